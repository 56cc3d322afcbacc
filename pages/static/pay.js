/* The payment page: begins the payment, calls WeChat's cashier, and believes only our server that the money has arrived. */
(() => {
  "use strict";

  const BRIDGE_MS = 3000; // how long WeChat's browser may take to give us its bridge
  const POLL_MS = 1500;
  const POLLS = 40; // a minute; then the chat will tell

  const address = location.pathname.replace(/\/$/, "");
  const element = (id) => document.getElementById(id);

  const bridge = () =>
    new Promise((resolve, reject) => {
      if (window.WeixinJSBridge) {
        resolve(window.WeixinJSBridge);
        return;
      }
      const timer = setTimeout(() => reject(new Error("no bridge")), BRIDGE_MS);
      document.addEventListener(
        "WeixinJSBridgeReady",
        () => {
          clearTimeout(timer);
          resolve(window.WeixinJSBridge);
        },
        { once: true },
      );
    });

  const ask = async (path, method) => {
    const response = await fetch(`${address}/${path}`, {
      method,
      credentials: "same-origin",
      headers: { "X-Requested-With": "runxia" },
    });
    return { ok: response.ok, body: await response.json() };
  };

  const tip = (text) => {
    element("tip").textContent = text;
    element("tip").hidden = !text;
  };

  const busy = (isBusy) => {
    const button = element("pay-button");
    button.disabled = isBusy;
    button.classList.toggle("weui-btn_loading", isBusy);
    element("pay").dataset.state = isBusy ? "busy" : "ready";
  };

  const show = (icon, title, text) => {
    element("pay").hidden = true;
    element("result-icon").className = `weui-icon-${icon} weui-icon_msg`;
    element("result-title").textContent = title;
    element("result-text").textContent = text;
    element("result").hidden = false;
    element("result").focus();
  };

  const cashier = async (parameters) => {
    const weixin = await bridge();
    return new Promise((resolve) => {
      weixin.invoke("getBrandWCPayRequest", parameters, (answer) => resolve(answer.err_msg));
    });
  };

  const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

  const waitForMoney = async () => {
    show("waiting", "正在确认收款", "请稍候，不用再付。");
    await ask("returned", "POST").catch(() => {});
    for (let poll = 0; poll < POLLS; poll += 1) {
      const answer = await ask("status", "GET").catch(() => null);
      if (answer?.ok && ["paid", "settled"].includes(answer.body.state)) {
        location.replace(address);
        return;
      }
      await pause(POLL_MS);
    }
    show("waiting", "还在确认收款", "比平时慢一些。到账后会在聊天里告诉您，请不要重复支付。");
  };

  const pay = async () => {
    tip("");
    busy(true);
    try {
      const answer = await ask("prepay", "POST");
      if (!answer.ok) {
        if (answer.body.reason === "unavailable") tip("系统正忙，没有扣款，请过一会儿再试。");
        else show(answer.body.reason === "used" ? "success" : "info", answer.body.title, answer.body.text);
        return;
      }
      const result = await cashier(answer.body.parameters);
      if (result === "get_brand_wcpay_request:ok") await waitForMoney();
      else if (result === "get_brand_wcpay_request:cancel") tip("您取消了支付，没有扣款。需要时可以再点一次。");
      else tip("支付没有完成，请再试一次。如果已经扣款，请不要重付，到账后会在聊天里告诉您。");
    } catch (error) {
      tip(error.message === "no bridge" ? "请在微信里打开这个页面付款。" : "网络不太好，没有扣款，请再试一次。");
    } finally {
      busy(false);
    }
  };

  const close = () => bridge().then((weixin) => weixin.invoke("closeWindow", {}, () => {})).catch(() => history.back());

  element("pay-button")?.addEventListener("click", pay);
  document.querySelectorAll("[data-close]").forEach((button) => button.addEventListener("click", close));
})();
