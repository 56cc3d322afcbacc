/** Everything that the page asks of the sandbox. */
async function call(path, options = {}) {
  const response = await fetch(path, { cache: "no-store", ...options });
  const body = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(body.error ?? body.message ?? `${path}: ${response.status}`);
  return body;
}

const post = (path, body) =>
  call(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

export const users = async () => (await call("/sandbox/wechat/users")).users;
export const newUser = (nickname) => post("/sandbox/wechat/users", { nickname });
export const send = (openid, doing) => post("/sandbox/wechat/send", { openid, ...doing });

/** Send a file as a picture or voice. */
export function sendFile(openid, type, file, facts = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries({ openid, type, ...facts })) form.append(name, value);
  form.append("media", file, file.name ?? "recording");
  return call("/sandbox/wechat/send", { method: "POST", body: form });
}

/** Follow a user's chat. Handlers: message(entry), state({typing, subscribed, menu}), traffic(entry). Returns the way to stop. */
export function follow(openid, after, handlers) {
  let last = after;
  const source = new EventSource(`/sandbox/wechat/stream?openid=${encodeURIComponent(openid)}&after=${last}`);
  source.addEventListener("message", (event) => {
    const entry = JSON.parse(event.data);
    if (entry.id <= last) return; // the browser connects again with the first address
    last = entry.id;
    handlers.message(entry);
  });
  source.addEventListener("state", (event) => handlers.state(JSON.parse(event.data)));
  source.onopen = () => handlers.online(true);
  source.onerror = () => handlers.online(false);
  return () => source.close();
}

export const traffic = async (after) => (await call(`/sandbox/wechat/traffic?after=${after}`)).traffic;
export const clock = () => call("/sandbox/clock");
export const moveClock = (seconds) => post("/sandbox/clock", { advance_seconds: seconds });
export const setClock = (now) => post("/sandbox/clock", { now });
export const faults = () => call("/sandbox/faults");
export const setFault = (fault) => post("/sandbox/faults", fault);
export const texts = () => call("/sandbox/sms");
export const fixture = () => call("/sandbox/fixture");
export const order = (prepayId) => call(`/sandbox/pay/cashier/${encodeURIComponent(prepayId)}`);
export const payOrder = (prepayId, openid) => post(`/sandbox/pay/cashier/${encodeURIComponent(prepayId)}/pay`, { openid });
export const leaveOrder = (prepayId) => post(`/sandbox/pay/cashier/${encodeURIComponent(prepayId)}/cancel`, {});
export const verifyOrder = (parameters) => post("/sandbox/pay/cashier/verify", parameters);
export const openUrl = (openid, url) => `/sandbox/open?openid=${encodeURIComponent(openid)}&url=${encodeURIComponent(url)}`;
