"""The public web application: WeChat's callback, the conversation with the dialogue engine, customer pages, health."""
