"""WeChat's official account: the protocol of its callbacks, the client of its API, and what its messages may hold."""
