import * as api from "./api.js";
import { h, icon } from "./dom.js";

/** WeChat's browser inside the phone, with the bridge and the cashier. */
export class Browser {
  constructor(screen) {
    this.screen = screen;
    this.box = null;
    window.addEventListener("message", (event) => this.hear(event));
  }

  open(openid, url) {
    this.close();
    this.openid = openid;
    this.title = h("span.browser-title", {}, "");
    this.frame = h("iframe.browser-frame", { src: api.openUrl(openid, url), title: "网页" });
    this.box = h("div.browser", {},
      h("div.browser-bar", {}, h("button.tool", { type: "button", "aria-label": "关闭网页", onclick: () => this.close() }, icon("close")), this.title, h("span.tool")),
      this.frame);
    this.screen.append(this.box);
  }

  close() {
    this.box?.remove();
    this.box = null;
    document.querySelector(".cashier")?.remove();
  }

  async hear(event) {
    if (!this.box || event.source !== this.frame.contentWindow || event.data?.bridge !== "wechat") return;
    const { id, call, parameters } = event.data;
    const answer = (result, why = "") => event.source.postMessage({ bridge: "wechat", id, result, why }, event.origin);
    if (call === "title") this.title.textContent = parameters.title;
    else if (call === "closeWindow") this.close();
    else if (call === "getBrandWCPayRequest") await this.pay(parameters, answer);
    else answer(`${call}:fail`, "the sandbox does not know this call");
  }

  async pay(parameters, answer) {
    const prepayId = String(parameters.package ?? "").replace(/^prepay_id=/, "");
    try {
      const { ok, reason } = await api.verifyOrder(parameters);
      if (!ok) throw new Error(reason);
      new Cashier(this.screen, this.openid, prepayId, await api.order(prepayId), (result) => answer(`get_brand_wcpay_request:${result}`));
    } catch (error) {
      answer("get_brand_wcpay_request:fail", error.message);
    }
  }
}

/** The sheet of WeChat Pay over the page: confirm, then the receipt. */
class Cashier {
  constructor(screen, openid, prepayId, order, done) {
    this.openid = openid;
    this.prepayId = prepayId;
    this.order = order;
    this.done = done;
    this.box = h("div.cashier", {});
    this.ask();
    screen.append(this.box);
  }

  finish(result) {
    this.box.remove();
    this.done(result);
  }

  price() {
    return h("div.cashier-price", {}, h("small", {}, "¥"), (this.order.amount_fen / 100).toFixed(2));
  }

  ask() {
    const problem = h("div.cashier-problem", { hidden: true, role: "alert" });
    const confirm = h("button.weui-btn.weui-btn_primary", { type: "button" }, "确认支付");
    confirm.addEventListener("click", async () => {
      confirm.disabled = true;
      try {
        await api.payOrder(this.prepayId, this.openid);
        this.receipt();
      } catch (error) {
        problem.textContent = `支付没有成功：${error.message}`;
        problem.hidden = false;
        confirm.disabled = false;
      }
    });
    this.box.replaceChildren(h("div.cashier-card", {},
      h("button.tool.cashier-close", { type: "button", "aria-label": "取消支付", onclick: () => this.leave() }, icon("close")),
      h("div.cashier-payee", {}, this.order.payee), this.price(),
      h("div.cashier-line", {}, h("span", {}, "商品"), h("span", {}, this.order.description)),
      h("div.cashier-line", {}, h("span", {}, "付款方式"), h("span", {}, "零钱")), problem, confirm,
      h("div.cashier-note", {}, "演示环境，不会真的扣款")));
  }

  async leave() {
    await api.leaveOrder(this.prepayId).catch(() => {});
    this.finish("cancel");
  }

  receipt() {
    this.box.classList.add("paid");
    this.box.replaceChildren(h("div.receipt", {}, h("div.receipt-head", {}, h("span.receipt-mark", {}, icon("check")), "支付成功"),
      h("div.cashier-payee", {}, this.order.payee), this.price(),
      h("button.weui-btn.weui-btn_default", { type: "button", onclick: () => this.finish("ok") }, "完成")));
  }
}
