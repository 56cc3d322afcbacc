"""WeChat's side: it posts what customers do to the official account's server, and serves the API that the server calls."""

from sandbox.wechat import api, customer, oauth

blueprints = (api.bp, oauth.bp, customer.bp)
