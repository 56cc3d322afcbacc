/* The bridge that WeChat's browser gives to pages. Real WeChat puts it there itself; here the phone page around the frame plays
   the client, so outside that frame there is no bridge, as in any other browser. */
(() => {
  "use strict";
  if (window.parent === window) return;
  const phone = new URL(document.currentScript.src).origin;
  const waiting = new Map();
  let asked = 0;

  const tell = (message) => window.parent.postMessage({ bridge: "wechat", ...message }, phone);

  window.addEventListener("message", (event) => {
    if (event.origin !== phone || event.data?.bridge !== "wechat") return;
    waiting.get(event.data.id)?.({ err_msg: event.data.result, err_desc: event.data.why ?? "" });
    waiting.delete(event.data.id);
  });

  const invoke = (name, parameters, callback = () => {}) => {
    asked += 1;
    waiting.set(asked, callback);
    tell({ id: asked, call: name, parameters });
  };

  window.WeixinJSBridge = { invoke, call: (name) => invoke(name, {}), on: () => {} };
  const ready = () => {
    tell({ call: "title", parameters: { title: document.title } });
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  };
  if (document.readyState === "complete") setTimeout(ready);
  else window.addEventListener("load", ready);
})();
