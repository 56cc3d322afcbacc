import * as api from "./api.js";
import { h } from "./dom.js";

const SYSTEMS = { csms: "营收系统", hotline: "热线工单", pay: "微信支付", sms: "短信", wechat: "微信接口" };
const MODES = { ok: "正常", slow: "很慢", down: "停机", garbage: "乱答", lose_callback: "丢通知", duplicate_callback: "重复通知", late_callback: "迟到通知" };
const PAY_ONLY = new Set(["lose_callback", "duplicate_callback", "late_callback"]);
const EVERY_MS = 1000;
const CLOCK_EVERY = 5; // rounds; the clock moves by itself in between

/** The engineers' view: what went over the wire, the clock, and faults on demand. */
export class Drawer {
  constructor(element, onClock) {
    this.wire = element.querySelector("#wire");
    this.clock = element.querySelector("#clock");
    this.faults = element.querySelector("#faults");
    this.onClock = onClock;
    this.last = 0;
    for (const button of element.querySelectorAll("[data-move]")) button.addEventListener("click", () => this.move(Number(button.dataset.move)));
    element.querySelector("#clock-reset").addEventListener("click", () => this.reset());
  }

  async watch() {
    await this.drawFaults().catch(() => {});
    for (let round = 0; ; round += 1) {
      await this.tick(round).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }

  async tick(round) {
    const shown = document.body.classList.contains("show-drawer");
    if (shown || round % CLOCK_EVERY === 0) await this.readClock();
    if (!shown) return;
    for (const entry of await api.traffic(this.last)) {
      this.last = entry.id;
      this.wire.prepend(exchange(entry));
    }
    while (this.wire.childElementCount > 200) this.wire.lastElementChild.remove();
  }

  async readClock() {
    const { now } = await api.clock();
    this.clock.textContent = new Intl.DateTimeFormat("zh-CN", { dateStyle: "full", timeStyle: "medium", timeZone: "Asia/Shanghai" }).format(new Date(now));
    this.onClock(new Date(now));
  }

  async move(seconds) {
    await api.moveClock(seconds);
    await this.readClock();
  }

  async reset() {
    await api.setClock(new Date().toISOString());
    await this.readClock();
  }

  async drawFaults() {
    const faults = await api.faults();
    this.faults.replaceChildren(...Object.entries(SYSTEMS).map(([system, name]) => {
      const modes = Object.entries(MODES).filter(([mode]) => system === "pay" || !PAY_ONLY.has(mode));
      const choice = h("select", { "aria-label": name, onchange: () => api.setFault({ system, mode: choice.value }) },
        modes.map(([mode, label]) => h("option", { value: mode, selected: (faults[system]?.mode ?? "ok") === mode }, label)));
      return h("label.fault-line", {}, name, choice);
    }));
  }
}

function exchange(entry) {
  const fine = entry.outcome === "ok";
  const name = entry.name.replace(/https?:\/\/[^/]+/, "").replace(/\?.*?(#\d+)?$/, " $1");
  return h("details.exchange", {},
    h("summary", {}, h(`span.side.${entry.side}`, {}, entry.side === "callback" ? "微信 → 我们" : "我们 → 微信"),
      h("span.exchange-name", { title: entry.name }, name), h(`span.outcome.${fine ? "fine" : "bad"}`, {}, fine ? `${entry.milliseconds} ms` : entry.outcome)),
    h("div.exchange-at", {}, `${entry.at.slice(0, 19).replace("T", " ")} · ${entry.milliseconds} ms`),
    h("div.exchange-part", {}, "地址", h("pre", {}, entry.name)),
    h("div.exchange-part", {}, "请求", h("pre", {}, pretty(entry.request))),
    h("div.exchange-part", {}, "应答", h("pre", {}, pretty(entry.response))));
}

/** XML with a line for each element, JSON with indents; anything else as it is. */
function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text.replace(/(<\/\w+>|<xml>)\s*(?=<)/g, "$1\n");
  }
}
