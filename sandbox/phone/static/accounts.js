import * as api from "./api.js";
import { h } from "./dom.js";

const ROLES = {
  ordinary: "普通用户", arrears: "欠费三期", leak: "疑似漏水", estimated: "上期估抄", disputed: "有争议账单", partly_paid: "付了一部分",
  paid_up: "全部付清", credit: "有预存", neighbour_a: "同一户主（甲）", neighbour_b: "同一户主（乙）", large_family: "六口之家", no_bills: "新开户",
  no_phone: "没留手机", no_password: "没设密码", stopped: "已报停", closed: "已销户", commercial: "商业用水", special: "特种用水", frugal: "用水很少",
};

/** Accounts that one can bind in the demonstration; a tap puts the number into the keyboard. */
export async function showAccounts(element, use) {
  const { accounts } = await api.fixture().catch(() => ({ accounts: [] }));
  const order = Object.keys(ROLES);
  const shown = accounts.filter((account) => ROLES[account.role]).sort((one, other) => order.indexOf(one.role) - order.indexOf(other.role));
  element.replaceChildren(...shown.map((account) =>
    h("button.account", { type: "button", onclick: () => use(account.account_no) },
      h("span", {}, ROLES[account.role]), h("code", {}, account.account_no),
      h("small", {}, `${account.owner}　${account.phone ? `手机 ${account.phone}` : "没留手机"}`),
      h("small", {}, account.password ? `查询密码 ${account.password}` : "没设查询密码"))));
}
