"""What the audit log's words for programs mean. A word that is not here is shown as it is."""

from __future__ import annotations

from services.staff import ROLE_NAMES

ACTIONS = {
    # staff
    "login": "登录工作台", "logout": "退出登录", "logout_others": "退出别处的登录", "lock_staff": "账号被锁定",
    "send_staff_code": "发找回密码的验证码", "reset_password": "用验证码重设密码", "change_password": "修改密码",
    "set_up_totp": "开启两步验证", "remove_totp": "关闭两步验证", "create_staff": "新建员工账号",
    "describe_staff": "修改员工资料",
    "change_role": "修改角色", "disable_staff": "停用账号", "enable_staff": "启用账号", "unlock_staff": "解锁账号",
    "reset_staff_password": "重置员工密码", "reset_staff_totp": "取消员工的两步验证", "unmask": "查看完整信息",
    "export_audit": "导出操作日志",
    # customers
    "bind": "绑定户号", "unbind": "解绑户号", "verify": "核对身份", "send_code": "发短信验证码", "look_up": "查找户号",
    "set_alias": "改户号备注名", "set_default": "改默认户号", "change_contact": "改联系方式", "set_password": "改查询密码",
    "set_bill_type": "改账单方式", "pay_order": "下缴费单", "pay": "付款", "settle": "销账", "prepay": "预存", "refund": "退款",
    "refund_request": "申请退款", "reconcile": "对账", "auto_pay": "自动扣款", "auto_pay_offer": "发签约链接",
    "invoice": "开发票", "invoice_send": "发发票", "file_repair": "报修", "file_complaint": "投诉", "file_suggestion": "建议",
    "amend_order": "补充工单", "cancel_order": "取消工单", "remind_order": "催办工单", "rate_order": "给工单打分",
    "withdraw_application": "撤回申请", "notify_settings": "改提醒设置", "quiet_hours": "改免打扰时间",
    "ask_person": "要求转人工",
    "export_data": "查看自己的数据", "erase_data": "要求删除数据", "data_erased": "数据已删除",
    "meter_reading": "报读数", "meter_dispute": "读数复核", "meter_visit": "约上门抄表", "meter_check": "申请校表",
}

OUTCOMES = {
    "ok": "成功", "wrong_password": "密码不对", "wrong_code": "验证码不对", "locked": "已锁定", "unavailable": "系统没有回应",
    "unknown": "没有这个户号", "closed": "已销户", "too_many": "次数太多", "differences": "有差异",
}

DETAILS = {
    "new_place": "没有用过的浏览器", "mail": "邮件", "sms": "短信", "code": "验证码", "password": "查询密码",
    "staff-phone": "员工手机号", "staff-email": "员工邮箱", **{role.value: name for role, name in ROLE_NAMES.items()},
}


def detail_in_words(detail: str) -> str:
    """``agent → readonly`` → ``客服 → 只读``; what has no words stays."""
    return " → ".join(DETAILS.get(part, part) for part in detail.split(" → "))
