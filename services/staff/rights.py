"""Roles of staff, and what each may do: the one table that every page of the console is checked against."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What somebody works as."""

    ADMIN = "admin"
    SUPERVISOR = "supervisor"
    AGENT = "agent"
    TRAINER = "trainer"
    REVIEWER = "reviewer"
    READONLY = "readonly"


ROLE_NAMES = {
    Role.ADMIN: "管理员", Role.SUPERVISOR: "客服主管", Role.AGENT: "客服", Role.TRAINER: "训练师", Role.REVIEWER: "审批员",
    Role.READONLY: "只读",
}


class Right(StrEnum):
    """One thing that may be done."""

    CONVERSATION_READ = "conversation.read"
    CONVERSATION_TAKE = "conversation.take"
    CONVERSATION_ASSIGN = "conversation.assign"
    CONVERSATION_REVIEW = "conversation.review"
    CONVERSATION_EXPORT = "conversation.export"
    DASHBOARD_READ = "dashboard.read"
    TRAINING_READ = "training.read"
    TRAINING_EDIT = "training.edit"
    TRAINING_APPROVE = "training.approve"
    MODEL_PROMOTE = "model.promote"
    APPROVAL_READ = "approval.read"
    APPROVAL_DECIDE = "approval.decide"
    UNMASK = "personal.unmask"
    AUDIT_READ = "audit.read"
    AUDIT_EXPORT = "audit.export"
    STAFF_MANAGE = "staff.manage"


RIGHT_NAMES = {
    Right.CONVERSATION_READ: "查看会话",
    Right.CONVERSATION_TAKE: "接手会话、回复顾客",
    Right.CONVERSATION_ASSIGN: "分派、转交别人的会话",
    Right.CONVERSATION_REVIEW: "质检打分、标记答错",
    Right.CONVERSATION_EXPORT: "导出会话",
    Right.DASHBOARD_READ: "查看看板",
    Right.TRAINING_READ: "查看训练数据和模型",
    Right.TRAINING_EDIT: "标注、修改训练数据，开始训练",
    Right.TRAINING_APPROVE: "审核别人的训练数据修改",
    Right.MODEL_PROMOTE: "启用、回退模型",
    Right.APPROVAL_READ: "查看审批单",
    Right.APPROVAL_DECIDE: "审批：通过、驳回、要求补充",
    Right.UNMASK: "查看完整的个人信息（要写原因）",
    Right.AUDIT_READ: "查询操作日志",
    Right.AUDIT_EXPORT: "导出操作日志",
    Right.STAFF_MANAGE: "管理员工账号和角色",
}

_SERVICE = {Role.SUPERVISOR, Role.AGENT}

# An administrator keeps accounts and the system, and does not read customers' conversations.
RIGHTS: dict[Right, frozenset[Role]] = {
    Right.CONVERSATION_READ: frozenset({*_SERVICE, Role.TRAINER, Role.REVIEWER, Role.READONLY}),
    Right.CONVERSATION_TAKE: frozenset(_SERVICE),
    Right.CONVERSATION_ASSIGN: frozenset({Role.SUPERVISOR}),
    Right.CONVERSATION_REVIEW: frozenset({Role.SUPERVISOR}),
    Right.CONVERSATION_EXPORT: frozenset({Role.SUPERVISOR}),
    Right.DASHBOARD_READ: frozenset({Role.ADMIN, Role.SUPERVISOR, Role.TRAINER, Role.READONLY}),
    Right.TRAINING_READ: frozenset({Role.TRAINER, Role.SUPERVISOR, Role.READONLY}),
    Right.TRAINING_EDIT: frozenset({Role.TRAINER}),
    Right.TRAINING_APPROVE: frozenset({Role.TRAINER, Role.SUPERVISOR}),
    Right.MODEL_PROMOTE: frozenset({Role.TRAINER}),
    Right.APPROVAL_READ: frozenset({Role.REVIEWER, Role.SUPERVISOR, Role.READONLY}),
    Right.APPROVAL_DECIDE: frozenset({Role.REVIEWER}),
    Right.UNMASK: frozenset({Role.ADMIN, Role.SUPERVISOR, Role.AGENT, Role.REVIEWER}),
    Right.AUDIT_READ: frozenset({Role.ADMIN, Role.SUPERVISOR}),
    Right.AUDIT_EXPORT: frozenset({Role.ADMIN}),
    Right.STAFF_MANAGE: frozenset({Role.ADMIN}),
}


def allowed(role: Role, right: Right) -> bool:
    """Whether the role has the right."""
    return role in RIGHTS[right]


def rights_of(role: Role) -> list[Right]:
    """Everything that the role may do, in the order of :class:`Right`."""
    return [right for right in Right if allowed(role, right)]
