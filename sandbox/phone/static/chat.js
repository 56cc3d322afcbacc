import { h, icon, momentText } from "./dom.js";

const PAUSE_MS = 5 * 60 * 1000; // WeChat shows the time after a pause of five minutes

/** The conversation. `actions`: openLink(url), tap(button), showImage(url). */
export class Chat {
  constructor(element, actions) {
    this.element = element;
    this.actions = actions;
    new ResizeObserver(() => this.settle()).observe(element);
    this.clear(null);
  }

  clear(user) {
    this.user = user;
    this.lastShown = 0;
    this.element.replaceChildren();
  }

  add(entry, now) {
    const message = entry.rendered;
    const at = new Date(message.at).getTime();
    if (Math.abs(at - this.lastShown) > PAUSE_MS) this.element.append(h("div.moment", {}, momentText(message.at, now)));
    this.lastShown = at;
    this.element.append(this.draw(message));
    this.settle();
  }

  draw(message) {
    if (message.kind === "fault") return h("div.notice.fault", { title: message.error ?? "" }, message.plain);
    if (message.template) return this.template(message.template);
    if (message.articles && message.direction === "out") return this.article(message.articles[0]);
    const mine = message.direction === "in";
    const face = mine ? userFace(this.user) : accountFace();
    return h(`div.row.${mine ? "mine" : "theirs"}`, { "data-id": message.id, "data-kind": message.kind }, face, this.content(message));
  }

  content(message) {
    if (message.media) return this.media(message.media);
    if (message.location) return place(message.location);
    if (message.articles) return h("div.bubble", {}, message.articles[0].title || message.articles[0].url);
    const bubble = h("div.bubble");
    bubble.append(this.prose(message.text));
    if (message.buttons) {
      bubble.append(h("div.choices", {}, message.buttons.map((button) =>
        h("button.choice", { type: "button", onclick: () => this.actions.tap(button) }, button.title))));
    }
    if (message.tail) bubble.append(this.prose(message.tail));
    return bubble;
  }

  /** Text from the sandbox: escaped there, with nothing but anchors in it. */
  prose(html) {
    const block = h("div.prose", { innerHTML: html });
    for (const anchor of block.querySelectorAll("a")) {
      const url = anchor.getAttribute("href");
      anchor.addEventListener("click", (event) => {
        event.preventDefault();
        this.actions.openLink(url);
      });
    }
    return block;
  }

  media(media) {
    if (media.kind === "image") {
      return h("img.picture", { src: media.url, alt: "图片", onclick: () => this.actions.showImage(media.url), onload: () => this.settle() });
    }
    if (media.kind === "video") return h("video.picture", { src: media.url, controls: true });
    const sound = new Audio(media.url);
    const bubble = h("button.bubble.voice", { type: "button", "aria-label": "播放语音", onclick: () => sound.play().catch(() => {}) }, icon("voice"), h("span.length", {}, "语音"));
    sound.addEventListener("loadedmetadata", () => {
      if (Number.isFinite(sound.duration)) bubble.querySelector(".length").textContent = `${Math.max(1, Math.round(sound.duration))}″`;
    });
    return h("div.voice-box", {}, bubble, media.recognition && h("div.bubble.heard", {}, media.recognition));
  }

  /** Stay at the end: a picture has got its height, or the foot has grown. */
  settle() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  article(article) {
    return h("div.card", { onclick: () => article.url && this.actions.openLink(article.url) },
      article.picture && h("img.card-picture", { src: article.picture, alt: "", onload: () => this.settle() }),
      h("div.card-title", {}, article.title),
      article.description && h("div.card-text", {}, article.description));
  }

  template(template) {
    return h("div.card.template", { onclick: () => template.url && this.actions.openLink(template.url) },
      h("div.card-head", {}, accountFace(), h("span", {}, document.title)),
      h("div.card-title", {}, template.title),
      h("dl.fields", {}, template.fields.flatMap(({ name, value }) => [h("dt", {}, name), h("dd", {}, value)])),
      template.url && h("div.card-foot", {}, "查看详情", h("span.chevron")));
  }
}

function place({ latitude, longitude, label }) {
  return h("div.place", {}, h("div.place-name", {}, label || "位置"), h("div.place-point", {}, `${latitude.toFixed(4)}, ${longitude.toFixed(4)}`),
    h("div.place-map", {}, icon("place")));
}

/** The account's picture. */
export const accountFace = () => h("img.face", { src: "/phone/drop.svg", alt: "" });

/** A user's picture: a letter on a colour that goes with the openid. */
export function userFace(user) {
  const hue = [...(user?.openid ?? "")].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 360, 7);
  return h("div.face.letter", { style: `--hue:${hue}` }, (user?.nickname ?? "客").slice(-1));
}
