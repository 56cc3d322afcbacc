"""What the gateway itself says to customers, where no dialogue can."""

from __future__ import annotations

from typing import Final

NOT_HEARD: Final = "这段语音我没听清。麻烦您再说一遍，或者直接打字告诉我。"
NO_VIDEO: Final = "视频我还看不了。水表读数或漏水情况，拍张照片发来就行；别的事您打字告诉我。"
NO_LINK: Final = "链接我打不开，怕误了您的事。您想问什么，直接打字告诉我就好。"
NO_WORDS: Final = "这条消息我看不到文字。您想办什么，打字告诉我就好。"
MENU_CHANGED: Final = "菜单更新过了，刚才点的这一项已经换了位置。您想办什么，直接打字告诉我也行。"
PHOTO_FAILED: Final = "照片没有收到，可能是网络不太好。麻烦您重新发一次。"
NOT_A_PHOTO: Final = "这张图片打不开。麻烦您换一张，或重新拍一张发来。"
BUSY: Final = "系统这会儿有点忙，您刚才这条还没办成。请过一两分钟再发一次；着急的话，请打{hotline}。"
NOT_UNDERSTOOD: Final = "刚才这条我没处理好。麻烦您换个说法再发一次；想找人工，回复“人工”就行。"
