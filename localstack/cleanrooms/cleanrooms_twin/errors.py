"""The errors a handler may raise, as the service model names them. Must not know HTTP."""


class ServiceError(Exception):
    """A modelled error: its code and the body's fields."""

    code = ""

    def __init__(self, message, **fields):
        super().__init__(message)
        self.body = {"message": message} | {k: v for k, v in fields.items() if v is not None}


class ValidationException(ServiceError):
    """400. Reasons: FIELD_VALIDATION_FAILED, INVALID_CONFIGURATION, INVALID_QUERY, IAM_SYNCHRONIZATION_DELAY."""

    code = "ValidationException"


class AccessDeniedException(ServiceError):
    """403."""

    code = "AccessDeniedException"


class ResourceNotFoundException(ServiceError):
    """404. The model has four resource types only; what is none of them is reported as the resource it lies in."""

    code = "ResourceNotFoundException"


class ConflictException(ServiceError):
    """409. Reasons: ALREADY_EXISTS, SUBRESOURCES_EXIST, INVALID_STATE."""

    code = "ConflictException"


class ServiceQuotaExceededException(ServiceError):
    """402."""

    code = "ServiceQuotaExceededException"


class ThrottlingException(ServiceError):
    """429."""

    code = "ThrottlingException"


class InternalServerException(ServiceError):
    """500."""

    code = "InternalServerException"


class HarnessError(Exception):
    """What the twin cannot do. Never looks like an answer of the service: no client may take it for one."""

    def __init__(self, code, message, status=501):
        super().__init__(message)
        self.code, self.status = code, status


def invalid(field, message):
    """A field that breaks a rule the shapes cannot express."""
    return ValidationException(f"{field}: {message}", reason="FIELD_VALIDATION_FAILED", fieldList=[{"name": field, "message": message}])


def misconfigured(message):
    """A request whose parts do not fit each other or the state."""
    return ValidationException(message, reason="INVALID_CONFIGURATION")


def denied(message="You do not have access to the requested resource"):
    """Not yours, or not there: the caller cannot tell."""
    return AccessDeniedException(message, reason="INSUFFICIENT_PERMISSIONS")


def not_found(kind, identifier, what="resource"):
    """An absent resource; `kind` is one of the model's four types."""
    return ResourceNotFoundException(f"No such {what}: {identifier}", resourceId=str(identifier), resourceType=kind)


def conflict(reason, message, kind=None, identifier=None):
    """A clash with the state."""
    return ConflictException(message, reason=reason, resourceType=kind, resourceId=identifier)


def over_quota(name, value):
    """Too many."""
    return ServiceQuotaExceededException(f"The quota {name} of {value} is used up", quotaName=name, quotaValue=float(value))
