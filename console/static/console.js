// Small helps that need a script; everything works without them but htmx's fragments.
"use strict";

document.addEventListener("click", (event) => {
  const peek = event.target.closest("[data-peek]");
  if (peek) {
    const field = document.getElementById(peek.dataset.peek);
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    peek.setAttribute("aria-pressed", String(shown));
    peek.setAttribute("aria-label", shown ? "隐藏密码" : "显示密码");
  }
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => {
      copy.querySelector("span").textContent = "已复制";
    });
  }
});

// "/" goes to the page's search, as in many programs.
document.addEventListener("keydown", (event) => {
  const typing = event.target.matches("input, textarea, select, [contenteditable]");
  const search = document.querySelector("[data-search]");
  if (event.key === "/" && !typing && search && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    search.focus();
    search.select();
  }
});

// A form is sent once, however often its button is pressed; coming back with the browser's arrow frees it again.
document.addEventListener("submit", (event) => {
  if (event.target.method === "post" && !event.target.hasAttribute("hx-post")) {
    const button = event.submitter;
    setTimeout(() => { if (button) { button.disabled = true; } });
  }
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[method=post] button:disabled").forEach((button) => { button.disabled = false; });
});

// A complaint goes away once the next thing has worked.
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful) { document.getElementById("notice")?.replaceChildren(); }
});

// What was asked for is focused when htmx brings it.
document.addEventListener("htmx:afterSettle", (event) => {
  const field = event.target.querySelector && event.target.querySelector("[autofocus]");
  if (field) { field.focus(); }
});
