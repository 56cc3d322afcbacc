import { showAccounts } from "./accounts.js";
import * as api from "./api.js";
import { Browser } from "./browser.js";
import { Chat } from "./chat.js";
import { Composer } from "./composer.js";
import { h } from "./dom.js";
import { Drawer } from "./drawer.js";
import { People, Texts } from "./panel.js";

const facts = JSON.parse(document.querySelector("#facts").textContent);
const screen = document.querySelector(".screen");
const title = document.querySelector("#title");
const KEPT_USER = "sandbox-openid";

let user = null;
let stop = () => {};
let now = new Date();
let clockOffset = 0;

const moment = () => new Date(Date.now() + clockOffset);

/** Do something as the user; what goes wrong is told on the phone, as a mistake of the demonstration. */
async function perform(work) {
  try {
    await work;
  } catch (error) {
    toast(error.message);
  }
}

function toast(text) {
  const box = h("div.toast", { role: "alert" }, text);
  screen.append(box);
  setTimeout(() => box.remove(), 3500);
}

const send = (doing) => perform(api.send(user.openid, doing));

function openLink(url) {
  if (!url.startsWith("weixin://bizmsgmenu")) {
    browser.open(user.openid, url);
    return;
  }
  const query = new URLSearchParams(url.split("?")[1]);
  send({ type: "text", content: query.get("msgmenucontent"), menu_id: query.get("msgmenuid") });
}

function clickMenu(item) {
  if (item.type !== "view") {
    send({ type: "event", event: "CLICK", key: item.key });
    return;
  }
  send({ type: "event", event: "VIEW", key: item.url });
  browser.open(user.openid, item.url);
}

function sendVoice(file, recognition) {
  if (file) perform(api.sendFile(user.openid, "voice", file, { recognition }));
  else send({ type: "voice", sample: "silence", recognition });
}

const browser = new Browser(screen);
const chat = new Chat(document.querySelector("#chat"), {
  openLink,
  tap: (button) => send({ type: "text", content: button.title, menu_id: button.id }),
  showImage: (url) => {
    const view = h("div.viewer", { onclick: () => view.remove() }, h("img", { src: url, alt: "图片" }));
    screen.append(view);
  },
});
const composer = new Composer(document.querySelector("#composer"), {
  text: (content) => send({ type: "text", content }),
  click: clickMenu,
  image: (file) => perform(api.sendFile(user.openid, "image", file)),
  sample: (name) => send({ type: "image", sample: name }),
  place: (point) => send({ type: "location", ...point }),
  voice: sendVoice,
}, facts);
const people = new People(document.querySelector("#people"), {
  choose: (chosen) => perform(choose(chosen.openid)),
  follow: async (chosen, follows) => {
    await send({ type: "event", event: follows ? "subscribe" : "unsubscribe" });
    await people.refresh(chosen.openid);
  },
});

async function choose(openid) {
  stop();
  browser.close();
  user = await people.refresh(openid);
  localStorage.setItem(KEPT_USER, user.openid);
  document.body.classList.remove("show-panel");
  chat.clear(user);
  stop = api.follow(user.openid, 0, { message: (entry) => chat.add(entry, moment()), state: showState, online: showOnline });
}

function showState({ typing, subscribed, menu }) {
  title.textContent = typing ? "对方正在输入…" : facts.account;
  screen.classList.toggle("stranger", !subscribed);
  composer.setMenu(menu);
  user.subscribed = subscribed;
}

function showOnline(online) {
  screen.classList.toggle("offline", !online);
}

function showClock(moment) {
  now = moment;
  clockOffset = moment.getTime() - Date.now();
  document.querySelector("#status-time").textContent =
    new Intl.DateTimeFormat("zh-CN", { hour: "numeric", minute: "2-digit", hour12: false, timeZone: "Asia/Shanghai" }).format(now);
}

for (const button of document.querySelectorAll("[data-show]")) {
  button.addEventListener("click", () => document.body.classList.toggle(button.dataset.show));
}
for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => fill(button.dataset.say));
}
document.querySelector("#follow").addEventListener("click", async () => {
  await send({ type: "event", event: "subscribe" });
  await people.refresh(user.openid);
});

const drawer = new Drawer(document.querySelector("#drawer"), showClock);
const fill = (text) => {
  document.body.classList.remove("show-panel");
  if (text) composer.fill(text);
};
const texts = new Texts(document.querySelector("#texts"), screen, fill);
await choose(localStorage.getItem(KEPT_USER) ?? "");
drawer.watch();
texts.watch();
await showAccounts(document.querySelector("#accounts"), fill);
