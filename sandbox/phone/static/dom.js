/** Make an element: `h("div.card", {onclick}, child, "text")`. Properties that are no DOM property become attributes. */
export function h(selector, properties = {}, ...children) {
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** An icon drawn with 24×24 strokes. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const line of ICONS[name]) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", line);
    svg.append(path);
  }
  return svg;
}

const ICONS = {
  back: ["M15 4 7 12l8 8"],
  close: ["M5 5l14 14", "M19 5 5 19"],
  more: ["M5 12h.01", "M12 12h.01", "M19 12h.01"],
  keyboard: ["M3 6h18v12H3z", "M7 10h.01", "M12 10h.01", "M17 10h.01", "M8 14.5h8"],
  menu: ["M5 7h14", "M5 12h14", "M5 17h14"],
  voice: ["M8 8.5a5 5 0 0 1 0 7", "M11.5 6a9 9 0 0 1 0 12", "M15 3.5a13 13 0 0 1 0 17"],
  plus: ["M12 6v12", "M6 12h12", "M12 2.5a9.5 9.5 0 1 0 .01 0"],
  photo: ["M4 5h16v14H4z", "M4 16l5-5 4 4 3-3 4 4", "M15.5 9h.01"],
  camera: ["M4 8h4l1.5-2.5h5L16 8h4v11H4z", "M12 10.5a3 3 0 1 0 .01 0"],
  place: ["M12 21s7-6.2 7-11.5a7 7 0 0 0-14 0C5 14.8 12 21 12 21z", "M12 7.2a2.4 2.4 0 1 0 .01 0"],
  microphone: ["M12 3.5a3 3 0 0 0-3 3v5a3 3 0 0 0 6 0v-5a3 3 0 0 0-3-3z", "M6 11a6 6 0 0 0 12 0", "M12 17v3.5"],
  wrench: ["M8.5 8 4.5 12l4 4", "M15.5 8l4 4-4 4", "M13.4 5.5l-2.8 13"],
  person: ["M12 4.5a3.6 3.6 0 1 0 .01 0", "M4.8 20c.6-4 3.4-6 7.2-6s6.6 2 7.2 6"],
  message: ["M4 5h16v11H10l-4 3.5V16H4z"],
  check: ["M5 12.5l4.5 4.5L19 7.5"],
};

/** The time of an ISO moment as WeChat writes it: today only the hour, else with the day. */
export function momentText(iso, now) {
  const moment = new Date(iso);
  const hour = new Intl.DateTimeFormat("zh-CN", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: ZONE }).format(moment);
  const day = (value) => new Intl.DateTimeFormat("zh-CN", { dateStyle: "long", timeZone: ZONE }).format(value);
  if (day(moment) === day(now)) return hour;
  if (day(moment) === day(new Date(now.getTime() - 86_400_000))) return `昨天 ${hour}`;
  return `${day(moment)} ${hour}`;
}

const ZONE = "Asia/Shanghai";
