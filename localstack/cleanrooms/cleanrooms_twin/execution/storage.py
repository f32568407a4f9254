"""The object store: an S3 endpoint, or a folder whose sub-folders are buckets. Must not know queries.

An account's twelve digits are its access key, so that an endpoint which knows accounts sees the right one.
"""

from pathlib import Path
from urllib.parse import unquote, urlparse

SUFFIX = ".parquet"
READ_S = 20
SECRET = "twin"


class StorageError(Exception):
    """What cannot be read or written."""


class Storage:
    """Buckets behind one endpoint."""

    def __init__(self, endpoint=None):
        self.endpoint = endpoint
        self._session = None

    def _client(self, account, region):
        """An S3 client of an account."""
        if not self.endpoint:
            raise StorageError("the twin was started without an S3 endpoint")
        import botocore.config
        import botocore.session

        if self._session is None:
            self._session = botocore.session.Session()
        config = botocore.config.Config(s3={"addressing_style": "path"}, connect_timeout=5, read_timeout=READ_S, retries={"total_max_attempts": 2})
        return self._session.create_client("s3", region_name=region, endpoint_url=self.endpoint, aws_access_key_id=account, aws_secret_access_key=SECRET, config=config)

    def _folder(self):
        """The folder of buckets, None when the endpoint is a real one."""
        found = urlparse(self.endpoint or "")
        return Path(unquote(found.path)) if found.scheme == "file" else None

    def fetch(self, location, account, region, into):
        """Brings the Parquet objects of a table near; gives their paths, which keep partition folders."""
        into.mkdir(parents=True, exist_ok=True)
        where = urlparse(location)
        prefix = where.path.lstrip("/")
        if where.scheme == "file":
            return self._files(Path(unquote(where.path)))
        if folder := self._folder():
            if not (folder / where.netloc).is_dir():
                raise StorageError(f"there is no bucket {where.netloc}")
            return self._files(folder / where.netloc / prefix)
        try:
            return self._download(self._client(account, region), where.netloc, prefix, into)
        except StorageError:
            raise
        except Exception as error:  # botocore's errors have no common base worth naming here
            raise StorageError(f"{location} cannot be read: {error}") from error

    @staticmethod
    def _files(place):
        if not place.exists():
            return []
        return [str(place)] if place.is_file() else sorted(str(p) for p in place.rglob(f"*{SUFFIX}"))

    @staticmethod
    def _download(client, bucket, prefix, into):
        found = []
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for entry in page.get("Contents", []):
                if not entry["Key"].endswith(SUFFIX):
                    continue
                path = into / entry["Key"][len(prefix):].lstrip("/") if entry["Key"] != prefix else into / f"object{SUFFIX}"
                if into.resolve() not in path.resolve().parents:
                    raise StorageError(f"the key {entry['Key']} leads out of its prefix")
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("wb") as file:
                    for chunk in client.get_object(Bucket=bucket, Key=entry["Key"])["Body"].iter_chunks():
                        file.write(chunk)
                found.append(str(path))
        return found

    def put(self, bucket, key, path, account, region):
        """Writes one object into a bucket that must be there."""
        if folder := self._folder():
            if not (folder / bucket).is_dir():
                raise StorageError(f"there is no bucket {bucket}")
            target = folder / bucket / key
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(path).read_bytes())
            return
        try:
            self._client(account, region).put_object(Bucket=bucket, Key=key, Body=Path(path).read_bytes())
        except StorageError:
            raise
        except Exception as error:
            raise StorageError(f"s3://{bucket}/{key} cannot be written: {error}") from error

    def region_of(self, bucket, account, region):
        """The bucket's Region, None when it cannot be asked."""
        if self._folder():
            return "us-east-1"
        try:
            return self._client(account, region).get_bucket_location(Bucket=bucket).get("LocationConstraint") or "us-east-1"
        except Exception:  # a missing bucket fails later, when it is written to
            return None
