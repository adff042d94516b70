"""Text in another encoding than UTF-8, as the UTF-8 that everything else reads."""

from __future__ import annotations

import codecs
from typing import Final

from trunkline import limits
from trunkline.objects.model import Object
from trunkline.sources.files.compression import Decoder

_MARKS: Final = ((codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


def encoding_of(head: bytes, obj: Object) -> str:
    """The encoding of a file: what its byte order mark says, else what is declared; empty for UTF-8."""
    for mark, name in _MARKS:
        if head.startswith(mark) and not head.startswith(codecs.BOM_UTF32_LE):
            return name
    declared = obj.format.encoding
    return "" if not declared or codecs.lookup(declared).name == "utf-8" else declared


class Transcoded:
    """A stream in UTF-8. Where the bytes are not of the encoding, it ends, and `damage` says so."""

    def __init__(self, stream: Decoder, encoding: str) -> None:
        self._stream, self._encoding = stream, encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()
        self._damage: str | None = None
        self._is_eof = False

    @property
    def damage(self) -> str | None:
        """Why the stream ended early."""
        return self._stream.damage or self._damage

    def read(self, size: int, /) -> bytes:
        """The next bytes, b"" at the end."""
        while not self._is_eof:
            data = self._stream.read(size)
            self._is_eof = not data
            try:
                text = self._decoder.decode(data, final=self._is_eof)
            except UnicodeDecodeError as error:
                self._is_eof = True
                why = limits.DEAD_LETTER_REASONS["corrupt_compression"]
                self._damage = f"{why}: the text is not {self._encoding} ({error.reason})"
                text = error.object[: error.start].decode(self._encoding, "ignore") if error.start else ""
            if text:
                return text.encode()
        return b""
