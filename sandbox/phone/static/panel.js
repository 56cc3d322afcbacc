import * as api from "./api.js";
import { userFace } from "./chat.js";
import { h } from "./dom.js";

const TEXTS_EVERY_MS = 2000;

/** Who holds the phone: the list of users, following, and somebody new. `actions`: choose(user), follow(user, follows). */
export class People {
  constructor(element, actions) {
    this.element = element;
    this.actions = actions;
  }

  async refresh(current) {
    this.list = await api.users();
    this.current = this.list.find((user) => user.openid === current) ?? this.list[0];
    this.element.replaceChildren(
      ...this.list.map((user) => this.line(user)),
      h("button.person.new", { type: "button", onclick: () => this.add() }, h("span.face.add", {}, "+"), "新客户（还没关注）"));
    return this.current;
  }

  line(user) {
    const chosen = user.openid === this.current.openid;
    return h(`div.person${chosen ? ".chosen" : ""}`, {},
      h("button.person-name", { type: "button", onclick: () => this.actions.choose(user) }, userFace(user), h("span", {}, user.nickname)),
      chosen && h("button.follow", { type: "button", onclick: () => this.actions.follow(user, !user.subscribed) }, user.subscribed ? "取消关注" : "关注"));
  }

  async add() {
    const nickname = `新客户${this.list.length + 1}`;
    this.actions.choose(await api.newUser(nickname));
  }
}

/** Text messages to any of the utility's customers: the newest in a list, each new one as a banner on the phone. */
export class Texts {
  constructor(element, screen, use) {
    this.element = element;
    this.screen = screen;
    this.use = use;
    this.seen = null;
  }

  async watch() {
    for (;;) {
      await this.look().catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, TEXTS_EVERY_MS));
    }
  }

  async look() {
    const { messages } = await api.texts();
    const newest = messages.length ? messages[0].at + messages[0].phone : "";
    if (newest === this.seen) return;
    if (newest) this.element.replaceChildren(...messages.slice(0, 6).map((message) => this.line(message)));
    if (newest && this.seen !== null) this.banner(messages[0]);
    this.seen = newest;
  }

  line(message) {
    return h("button.text-message", { type: "button", onclick: () => this.use(codeIn(message.text)) },
      h("span.text-head", {}, h("span", {}, message.phone), h("time", {}, message.at.slice(11, 16))), h("span", {}, message.text));
  }

  banner(message) {
    this.screen.querySelector(".banner")?.remove();
    const banner = h("button.banner", { type: "button", onclick: () => {
      banner.remove();
      this.use(codeIn(message.text));
    } }, h("strong", {}, "短信"), h("time", {}, "现在"), h("span", {}, message.text), h("small", {}, `发到 ${message.phone}，点这里填入验证码`));
    this.screen.append(banner);
    setTimeout(() => banner.remove(), 12_000);
  }
}

/** The verification code in a text message. */
const codeIn = (text) => text.match(/验证码\s*(\d+)/)?.[1] ?? "";
