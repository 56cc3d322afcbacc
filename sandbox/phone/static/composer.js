import { h, icon } from "./dom.js";

/** The foot of the chat: the account's menu or the keyboard, and the panel behind the plus. `actions`: text(content),
    click(item), image(file), sample(name), place(point), voice(file, recognition), openLink(url), complain(text). */
export class Composer {
  constructor(element, actions, { samples, places }) {
    this.element = element;
    this.actions = actions;
    this.samples = samples;
    this.places = places;
    this.menu = null;
    this.mode = "keys";
    this.speaking = false;
    this.draft = "";
    this.draw();
  }

  setMenu(menu) {
    if (JSON.stringify(menu) === JSON.stringify(this.menu)) return;
    this.mode = menu && !this.menu && !this.draft ? "menu" : menu ? this.mode : "keys";
    this.menu = menu;
    this.draw();
  }

  /** Put text before the customer, ready to send. */
  fill(text) {
    this.draft = text;
    this.mode = "keys";
    this.speaking = false;
    this.draw();
    this.element.querySelector("textarea").focus();
  }

  draw() {
    this.element.replaceChildren(this.mode === "menu" ? this.menuBar() : this.keyBar());
  }

  switch(mode) {
    this.mode = mode;
    this.draw();
  }

  tool(name, label, action) {
    return h("button.tool", { type: "button", "aria-label": label, onclick: action }, icon(name));
  }

  // --- menu

  menuBar() {
    const bar = h("div.menu-bar", {}, h("button.tool.switch", { type: "button", "aria-label": "切换到键盘", onclick: () => this.switch("keys") }, icon("keyboard")));
    for (const item of this.menu.button) bar.append(this.menuItem(item));
    return bar;
  }

  menuItem(item) {
    const subs = item.sub_button ?? [];
    const box = h("div.menu-item");
    const open = () => {
      const wasOpen = box.classList.contains("open");
      this.closeMenus();
      box.classList.toggle("open", !wasOpen);
    };
    box.append(h("button.menu-top", { type: "button", onclick: subs.length ? open : () => this.choose(item) }, subs.length ? icon("menu") : null, item.name));
    if (subs.length) {
      box.append(h("div.menu-subs", {}, subs.map((sub) => h("button.menu-sub", { type: "button", onclick: () => this.choose(sub) }, sub.name))));
    }
    return box;
  }

  closeMenus() {
    for (const open of this.element.querySelectorAll(".menu-item.open")) open.classList.remove("open");
  }

  choose(item) {
    this.closeMenus();
    this.actions.click(item);
  }

  // --- keyboard

  keyBar() {
    const box = h("div.key-box");
    const bar = h("div.key-bar");
    if (this.menu) bar.append(this.tool("menu", "切换到菜单", () => this.switch("menu")));
    bar.append(this.tool(this.speaking ? "keyboard" : "voice", this.speaking ? "打字" : "语音", () => {
      this.speaking = !this.speaking;
      this.draw();
    }));
    bar.append(this.speaking ? this.talkButton() : this.textArea(box));
    const more = this.tool("plus", "更多", () => box.classList.toggle("more"));
    const send = h("button.send", { type: "button", hidden: !this.draft, onclick: () => this.submit() }, "发送");
    more.hidden = Boolean(this.draft) && !this.speaking;
    bar.append(more, send);
    box.append(bar, this.morePanel());
    return box;
  }

  textArea(box) {
    const area = h("textarea.draft", { rows: 1, value: this.draft, "aria-label": "输入消息", maxLength: 2000 });
    const grow = () => {
      area.style.height = "auto";
      area.style.height = `${Math.min(area.scrollHeight, 110)}px`;
    };
    area.addEventListener("input", () => {
      this.draft = area.value;
      const empty = !this.draft.trim();
      box.querySelector(".send").hidden = empty;
      box.querySelector('[aria-label="更多"]').hidden = !empty;
      grow();
    });
    area.addEventListener("focus", () => box.classList.remove("more"));
    area.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    requestAnimationFrame(grow);
    return area;
  }

  submit() {
    const content = this.draft.trim();
    if (!content) return;
    this.draft = "";
    this.draw();
    this.element.querySelector("textarea").focus();
    this.actions.text(content);
  }

  // --- more

  morePanel() {
    const pick = (accept, capture, use) => {
      const input = h("input", { type: "file", accept, onchange: () => input.files[0] && use(input.files[0]) });
      if (capture) input.setAttribute("capture", "environment");
      input.click();
    };
    const photo = (file) => this.actions.image(file);
    return h("div.more-panel", {},
      this.moreItem("photo", "照片", () => pick("image/jpeg,image/png,image/gif,image/bmp", false, photo)),
      this.moreItem("camera", "拍摄", () => pick("image/*", true, photo)),
      this.moreItem("place", "位置", () => this.placeSheet()),
      this.moreItem("microphone", "语音文件", () => this.voiceSheet(null, "")),
      h("div.more-samples", {}, h("div.more-caption", {}, "没有照片？用一张样图："), this.samples.map(({ name, label }) =>
        h("img.sample", { src: `/sandbox/wechat/samples/${encodeURIComponent(name)}.jpg`, alt: label, title: label, onclick: () => this.actions.sample(name) }))));
  }

  moreItem(name, label, action) {
    return h("button.more-item", { type: "button", onclick: action }, h("span.more-icon", {}, icon(name)), h("span", {}, label));
  }

  placeSheet() {
    const latitude = h("input.weui-input", { type: "number", step: "any", value: this.places[0].latitude, "aria-label": "纬度" });
    const longitude = h("input.weui-input", { type: "number", step: "any", value: this.places[0].longitude, "aria-label": "经度" });
    sheet("发送位置", [
      ...this.places.map((point) => h("button.sheet-line", { type: "button", onclick: (event) => send(point, event) },
        h("strong", {}, point.label), h("small", {}, point.address))),
      h("div.sheet-fields", {}, h("label", {}, "纬度", latitude), h("label", {}, "经度", longitude)),
      h("button.weui-btn.weui-btn_primary", { type: "button", onclick: (event) =>
        send({ label: "自选位置", latitude: Number(latitude.value), longitude: Number(longitude.value) }, event) }, "发送这个位置"),
    ]);
    const send = (point, event) => {
      event.target.closest(".sheet").remove();
      this.actions.place(point);
    };
  }

  // --- voice

  talkButton() {
    const button = h("button.talk", { type: "button" }, "按住 说话");
    button.addEventListener("pointerdown", async (event) => {
      event.preventDefault();
      const recording = await record().catch(() => null);
      if (!recording) {
        this.voiceSheet(null, "");
        return;
      }
      button.classList.add("on");
      button.textContent = "松开 结束";
      window.addEventListener("pointerup", async () => {
        button.classList.remove("on");
        button.textContent = "按住 说话";
        const { file, heard } = await recording.stop();
        this.voiceSheet(file, heard);
      }, { once: true });
    });
    return button;
  }

  /** WeChat's own speech recognition comes with the voice; here the demonstrator confirms or types what it would have heard. */
  voiceSheet(recorded, heard) {
    const file = h("input", { type: "file", accept: ".amr,.mp3,audio/*" });
    const words = h("textarea.weui-textarea", { rows: 3, value: heard, placeholder: "微信会听成什么？留空表示没听出来" });
    const box = sheet("发送语音", [
      recorded ? h("audio", { src: URL.createObjectURL(recorded), controls: true }) : h("label.sheet-file", {}, "语音文件（可不选，用一段静音代替）", file),
      h("label.sheet-label", {}, "语音识别结果", words),
      h("button.weui-btn.weui-btn_primary", { type: "button", onclick: () => {
        box.remove();
        this.actions.voice(recorded ?? file.files[0] ?? null, words.value.trim());
      } }, "发送"),
    ]);
  }
}

/** Record until `stop()`; gives the file and, where the browser can, the words. */
async function record() {
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const recorder = new MediaRecorder(stream);
  const parts = [];
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.start();
  const ear = listen();
  return {
    stop: () => new Promise((resolve) => {
      recorder.onstop = () => {
        stream.getTracks().forEach((track) => track.stop());
        resolve({ file: new Blob(parts, { type: recorder.mimeType }), heard: ear() });
      };
      recorder.stop();
    }),
  };
}

function listen() {
  const Recognition = window.SpeechRecognition ?? window.webkitSpeechRecognition;
  if (!Recognition) return () => "";
  let heard = "";
  const recognition = new Recognition();
  recognition.lang = "zh-CN";
  recognition.interimResults = true;
  recognition.onresult = (event) => { heard = [...event.results].map((result) => result[0].transcript).join(""); };
  recognition.onerror = () => {};
  recognition.start();
  return () => {
    recognition.stop();
    return heard;
  };
}

/** A sheet that rises from the foot of the phone. */
export function sheet(title, children) {
  const box = h("div.sheet", { role: "dialog", "aria-label": title },
    h("div.sheet-card", {}, h("div.sheet-head", {}, title, h("button.sheet-close", { type: "button", "aria-label": "关闭", onclick: () => box.remove() }, icon("close"))),
      h("div.sheet-body", {}, children)));
  box.addEventListener("click", (event) => event.target === box && box.remove());
  document.querySelector(".screen").append(box);
  return box;
}
