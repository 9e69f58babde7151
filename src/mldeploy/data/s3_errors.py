"""What a bucket, or the way to it, says, in three parts. Only words.

The codes are those of the S3 reference; botocore's own classes stand for what went wrong before or
without an answer.
"""

from __future__ import annotations

from dataclasses import dataclass

from mldeploy.errors import ConfigError, FailedError, MldeployError


@dataclass(frozen=True)
class Asked:
    """``action`` is as policies name it; ``endpoint`` is empty for AWS."""

    action: str
    bucket: str
    endpoint: str
    profile: str


LOGIN = "aws sso login{as_profile}   or, where you have access keys: aws configure{as_profile}"
AGAIN = "the same command goes on where this one was"
Parts = tuple[type[MldeployError], str, str, str, str]
# By code: the class, our own code, and the three parts. {said} is the server's own sentence.
NO_BUCKET: Parts = (
    ConfigError, "no-bucket", "There is no bucket {bucket} at {at}.", "{said}",
    "mend `bucket` under [data] in mldeploy.toml, or make it: "
    "aws s3 mb s3://{bucket}{as_profile}{as_endpoint}",
)  # fmt: skip
DENIED: Parts = (
    FailedError, "bucket-denied", "You may not do that with the bucket {bucket}.",
    "{at} refused {action}: {said}",
    "who owns the bucket lets you: s3:GetObject, s3:PutObject, s3:DeleteObject, s3:ListBucket, "
    "s3:AbortMultipartUpload, s3:ListMultipartUploadParts, s3:ListBucketMultipartUploads; "
    "or choose other credentials: profile under [data] in mldeploy.toml",
)  # fmt: skip
NO_CREDENTIALS: Parts = (
    ConfigError, "no-credentials", "There are no credentials for the bucket {bucket}.",
    "boto3 looked in the environment, your AWS configuration and its profiles.", LOGIN,
)  # fmt: skip
OVER: Parts = (FailedError, "session-over", "Your session at {at} is over.", "{said}", LOGIN)
WRONG_KEY: Parts = (
    ConfigError, "bad-credentials", "{at} does not accept your credentials.", "{said}",
    "is the key the one of this endpoint? another: profile under [data] in mldeploy.toml, or "
    "aws configure{as_profile}",
)  # fmt: skip
SILENT: Parts = (
    FailedError, "s3-unreachable", "{at} does not answer.", "{said}",
    "is there a network, and is endpoint_url under [data] in mldeploy.toml right? Then "
    + AGAIN,
)  # fmt: skip
NOT_S3: Parts = (
    ConfigError, "not-s3", "What answers at {at} is no S3 server.", "{said}",
    "mend endpoint_url under [data] in mldeploy.toml: the address of its S3 interface, often with "
    "a port, and http:// or https:// as it speaks",
)  # fmt: skip
ELSEWHERE: Parts = (
    ConfigError, "other-region", "The bucket {bucket} is in another region.", "{said}",
    "write the right region under [data] in mldeploy.toml: "
    "aws s3api get-bucket-location --bucket {bucket}{as_profile}",
)  # fmt: skip
FULL: Parts = (
    FailedError, "disk-full", "{at} has no room left.", "{said}",
    "mldeploy data ls   and `mldeploy data rm` what nobody needs; then " + AGAIN,
)  # fmt: skip
BUSY: Parts = (FailedError, "s3-busy", "{at} could not do it now.", "{said}", "later: " + AGAIN)

TABLE: dict[str, Parts] = {
    "NoSuchBucket": NO_BUCKET,
    "InvalidBucketName": NO_BUCKET,
    "ParamValidationError": NO_BUCKET,
    "AccessDenied": DENIED,
    "AllAccessDisabled": DENIED,
    "403": DENIED,
    "Forbidden": DENIED,
    "InvalidAccessKeyId": WRONG_KEY,
    "SignatureDoesNotMatch": WRONG_KEY,
    "AuthorizationHeaderMalformed": ELSEWHERE,
    "PermanentRedirect": ELSEWHERE,
    "IllegalLocationConstraintException": ELSEWHERE,
    "301": ELSEWHERE,
    "ExpiredToken": OVER,
    "ExpiredTokenException": OVER,
    "InvalidToken": OVER,
    "TokenRefreshRequired": OVER,
    "UnauthorizedSSOTokenError": OVER,
    "SSOTokenLoadError": OVER,
    "TokenRetrievalError": OVER,
    "LoginError": OVER,
    "CredentialRetrievalError": OVER,
    "RequestTimeTooSkewed": (
        FailedError, "wrong-clock", "This computer's clock is wrong.", "{said}",
        "set it (timedatectl set-ntp true), then " + AGAIN,
    ),
    "NoCredentialsError": NO_CREDENTIALS,
    "PartialCredentialsError": NO_CREDENTIALS,
    "ProfileNotFound": (
        ConfigError, "no-profile", "There is no AWS profile called that.", "{said}",
        "mend `profile` under [data] in mldeploy.toml; `aws configure list-profiles` shows yours",
    ),
    "NoRegionError": (
        ConfigError, "no-region", "No region is chosen for the bucket {bucket}.", "{said}",
        'write region = "us-east-1", or where it is, under [data] in mldeploy.toml',
    ),
    "EndpointConnectionError": SILENT,
    "ConnectTimeoutError": SILENT,
    "ReadTimeoutError": SILENT,
    "ConnectionClosedError": SILENT,
    "ProxyConnectionError": SILENT,
    "HTTPClientError": SILENT,
    "ResponseStreamingError": SILENT,
    "IncompleteReadError": SILENT,
    "InvalidEndpoint": NOT_S3,
    "SSLError": NOT_S3,
    "ResponseParserError": NOT_S3,
    "404": NOT_S3,
    "405": NOT_S3,
    "MethodNotAllowed": NOT_S3,
    "InsufficientStorage": FULL,
    "QuotaExceeded": FULL,
    "XMinioStorageFull": FULL,
    "507": FULL,
    "BadDigest": BUSY,
    "XAmzContentSHA256Mismatch": BUSY,
}  # fmt: skip


def explain(error: Exception, asked: Asked) -> MldeployError:
    """The error of ours that says what botocore's means."""
    code, said = _code_of(error)
    kind, ours, what, why, do = TABLE.get(code, BUSY)
    words = {
        "bucket": asked.bucket,
        "action": asked.action,
        "at": asked.endpoint or "Amazon S3",
        "said": said,
        "as_profile": f" --profile {asked.profile}" if asked.profile else "",
        "as_endpoint": f" --endpoint-url {asked.endpoint}" if asked.endpoint else "",
    }
    return kind(
        ours, what=what.format(**words), why=why.format(**words), do=do.format(**words)
    )  # fmt: skip


def code_of(error: Exception) -> str:
    """The server's code, or the name of botocore's class."""
    return _code_of(error)[0]


def not_s3(asked: Asked) -> MldeployError:
    """For an answer that is none of S3's."""
    kind, ours, what, _, do = NOT_S3
    at = asked.endpoint or "Amazon S3"
    why = "It took what was sent, and did not prove that it arrived."
    return kind(ours, what=what.format(at=at), why=why, do=do)


def _code_of(error: Exception) -> tuple[str, str]:
    answer = getattr(error, "response", None)
    if isinstance(answer, dict) and "Error" in answer:
        told = answer["Error"]
        code, said = str(told.get("Code", "")), str(told.get("Message", ""))
        return code, f"{said.rstrip('.')} ({code})." if said else f"It said {code}."
    said = " ".join(str(error).split())
    return type(error).__name__, f"{said.rstrip('.')[:300]}."
