"""A stand-in for object storage: whole objects by their key; it has no folders, no rename and no append."""

import io
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
from pyarrow.fs import FileInfo, FileSelector, FileSystemHandler, FileType, PyFileSystem


class ObjectStorage(FileSystemHandler):  # type: ignore[misc]
    """A handler of pyarrow.fs. `log` has every request, as (method, key). An object appears when its stream is
    closed, unless `fails` raises."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.modified: dict[str, datetime] = {}
        self.log: list[tuple[str, str]] = []
        self.fails: Callable[[], None] = lambda: None

    def filesystem(self) -> PyFileSystem:
        return PyFileSystem(self)

    def put(self, key: str, content: bytes) -> None:
        self.fails()
        self.log.append(("put", key))
        self.objects[key], self.modified[key] = content, datetime.now(UTC)

    def open_output_stream(self, path: str, metadata: Any) -> pa.PythonFile:
        return pa.PythonFile(_Upload(lambda content: self.put(path, content)), mode="w")

    def open_input_file(self, path: str) -> pa.PythonFile:
        self.log.append(("get", path))
        if path not in self.objects:
            raise FileNotFoundError(path)
        return pa.PythonFile(io.BytesIO(self.objects[path]), mode="r")

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        self.log.append(("list", selector.base_dir))
        prefix = f"{selector.base_dir}/"
        return [
            self._info(key)
            for key in self.objects
            if key.startswith(prefix) and "/" not in key.removeprefix(prefix)
        ]

    def delete_file(self, path: str) -> None:
        self.log.append(("delete", path))
        if self.objects.pop(path, None) is None:
            raise FileNotFoundError(path)

    def get_type_name(self) -> str:
        return "object storage"

    def normalize_path(self, path: str) -> str:
        return path

    def _info(self, path: str) -> FileInfo:
        if path not in self.objects:
            return FileInfo(path, FileType.NotFound)
        return FileInfo(path, FileType.File, size=len(self.objects[path]), mtime=self.modified[path])

    def _refuse(self, *_: object) -> None:
        raise NotImplementedError("object storage cannot do this")

    open_input_stream = open_append_stream = copy_file = move = _refuse
    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse


class _Upload(io.BytesIO):
    """Bytes that are stored when the stream is closed."""

    def __init__(self, store: Callable[[bytes], None]) -> None:
        super().__init__()
        self._store = store

    def close(self) -> None:
        if not self.closed:
            content = self.getvalue()
            super().close()
            self._store(content)
