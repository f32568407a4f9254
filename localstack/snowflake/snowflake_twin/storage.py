"""The object store: an S3 endpoint, or a folder whose sub-folders are buckets. Must not know statements.

An account's locator is its access key, so that an endpoint which knows accounts can tell them apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlparse

SECRET = "twin"
READ_S = 20


class StorageError(Exception):
    """What cannot be read or written."""


class Storage:
    """Buckets behind one endpoint."""

    def __init__(self, endpoint: str | None = None) -> None:
        self.endpoint = endpoint
        self._session: Any = None

    def _client(self, account: str) -> Any:
        if not self.endpoint:
            raise StorageError("the twin was started without an S3 endpoint")
        import botocore.config
        import botocore.session

        if self._session is None:
            self._session = botocore.session.Session()
        config = botocore.config.Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=READ_S, retries={"total_max_attempts": 2})
        return self._session.create_client("s3", region_name="us-east-1", endpoint_url=self.endpoint, aws_access_key_id=account, aws_secret_access_key=SECRET, config=config)

    def _folder(self) -> Path | None:
        """The folder of buckets, None when the endpoint is a real one."""
        found = urlparse(self.endpoint or "")
        return Path(unquote(found.path)) if found.scheme == "file" else None

    def _place(self, folder: Path, bucket: str, key: str) -> Path:
        if not (folder / bucket).is_dir():
            raise StorageError(f"there is no bucket {bucket}")
        target = (folder / bucket / key).resolve()
        if (folder / bucket).resolve() not in target.parents:
            raise StorageError(f"the key {key} leads out of its bucket")
        return target

    def keys(self, bucket: str, prefix: str, account: str) -> list[str]:
        """Keys that are there."""
        if folder := self._folder():
            self._place(folder, bucket, "any")
            home = folder / bucket
            return sorted(k for k in (str(p.relative_to(home)) for p in home.rglob("*") if p.is_file()) if k.startswith(prefix))
        try:
            pages = self._client(account).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            return [e["Key"] for page in pages for e in page.get("Contents", [])]
        except StorageError:
            raise
        except Exception as error:  # botocore's errors have no common base worth naming here
            raise StorageError(f"s3://{bucket}/{prefix} cannot be listed: {error}") from error

    def put(self, bucket: str, key: str, data: bytes, account: str) -> None:
        """Writes one object into a bucket that must be there."""
        if folder := self._folder():
            target = self._place(folder, bucket, key)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            return
        try:
            self._client(account).put_object(Bucket=bucket, Key=key, Body=data)
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(f"s3://{bucket}/{key} cannot be written: {error}") from error
