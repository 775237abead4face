"""The part of a Python function environment that is not the function: it loads
the handler and polls the Lambda Runtime API. Errors and names follow Lambda's
runtime. It speaks HTTP over a plain socket because importing http.client takes
longer than the rest of the start."""

import json
import logging
import os
import socket
import sys
import time
import traceback

PREFIX = "/2018-06-01/runtime/"


class Client:
    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.address, self.where = address, (host, int(port))
        self.sock = self.reader = None

    def request(self, method, path, body=b"", headers=()):
        if self.sock is None:
            self.sock = socket.create_connection(self.where)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.reader = self.sock.makefile("rb")
        lines = ["%s %s%s HTTP/1.1" % (method, PREFIX, path), "Host: " + self.address, "Content-Length: %d" % len(body)]
        lines += ["%s: %s" % h for h in headers]
        self.sock.sendall("\r\n".join(lines + ["", ""]).encode("latin-1") + body)
        status = self.reader.readline()
        if not status:
            os._exit(0)  # the host is gone
        got = {}
        while True:
            line = self.reader.readline().strip()
            if not line:
                break
            name, _, value = line.decode("latin-1").partition(":")
            got[name.lower()] = value.strip()
        content = self.reader.read(int(got.get("content-length", "0")))
        if got.get("connection") == "close":
            self.sock.close()
            self.sock = None
        return int(status.split()[1]), got, content


class ClientContextPart:
    def __init__(self, values):
        for key, value in (values or {}).items():
            setattr(self, key, value)


class Context:
    def __init__(self, request_id, deadline_ms, arn, client):
        env = os.environ
        self.aws_request_id = request_id
        self.invoked_function_arn = arn
        self.function_name = env.get("AWS_LAMBDA_FUNCTION_NAME")
        self.function_version = env.get("AWS_LAMBDA_FUNCTION_VERSION")
        self.memory_limit_in_mb = env.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")
        self.log_group_name = env.get("AWS_LAMBDA_LOG_GROUP_NAME")
        self.log_stream_name = env.get("AWS_LAMBDA_LOG_STREAM_NAME")
        self.identity = None
        self.client_context = None
        if client is not None:
            self.client_context = ClientContextPart(
                {"custom": client.get("custom"), "env": client.get("env"), "client": ClientContextPart(client.get("client"))}
            )
        self._deadline_ms = deadline_ms

    def get_remaining_time_in_millis(self):
        return max(0, self._deadline_ms - int(time.time() * 1000))

    def log(self, message):
        sys.stdout.write(str(message))


class Failure(Exception):
    """A failure with Lambda's name for it."""

    def __init__(self, name, message):
        super().__init__(message)
        self.name = name


class LogHandler(logging.Handler):
    request_id = ""

    def emit(self, record):
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        sys.stdout.write(
            "[%s]\t%s.%03dZ\t%s\t%s\n"
            % (record.levelname, stamp, record.msecs, LogHandler.request_id, self.format(record).replace("\n", "\r"))
        )


def load(handler):
    import importlib

    module_name, dot, name = handler.rpartition(".")
    if not dot or not module_name or not name:
        raise Failure("Runtime.MalformedHandlerName", "Bad handler '%s': not enough values to unpack (expected 2, got 1)" % handler)
    module_name = module_name.replace("/", ".")
    try:
        module = importlib.import_module(module_name)
    except ImportError as e:
        raise Failure("Runtime.ImportModuleError", "Unable to import module '%s': %s" % (module_name, e)) from e
    except SyntaxError as e:
        raise Failure("Runtime.UserCodeSyntaxError", "Syntax error in module '%s': %s" % (module_name, e)) from e
    if not hasattr(module, name):
        raise Failure("Runtime.HandlerNotFound", "Handler '%s' missing on module '%s'" % (name, module_name))
    found = getattr(module, name)
    if not callable(found):
        raise Failure("Runtime.HandlerNotFound", "Handler '%s' on module '%s' is not callable" % (name, module_name))
    return found


def error_body(e, request_id=None):
    own = os.path.abspath(__file__)
    frames = [f for f in traceback.extract_tb(e.__traceback__) if os.path.abspath(f.filename) != own]
    body = {
        "errorMessage": str(e),
        "errorType": e.name if isinstance(e, Failure) else type(e).__name__,
        "stackTrace": [] if isinstance(e, Failure) else traceback.format_list(frames),
    }
    if request_id is not None:
        body["requestId"] = request_id
    sys.stdout.write("[ERROR] %s: %s\r%s\n" % (body["errorType"], body["errorMessage"], "\r".join(body["stackTrace"]).replace("\n", "\r")))
    return body["errorType"], json.dumps(body).encode()


def plain(value):
    import decimal

    if isinstance(value, decimal.Decimal):
        return float(value)
    raise TypeError("Object of type %s is not JSON serializable" % type(value).__name__)


def main():
    client = Client(os.environ["AWS_LAMBDA_RUNTIME_API"])
    # Importing this file put its directory first in the path.
    sys.path[0] = os.environ["LAMBDA_TASK_ROOT"]
    logging.getLogger().addHandler(LogHandler())
    try:
        handler = load(os.environ["_HANDLER"])
    except Exception as e:
        name, body = error_body(e)
        client.request("POST", "init/error", body, [("Lambda-Runtime-Function-Error-Type", name)])
        sys.exit(1)
    while True:
        _, headers, payload = client.request("GET", "invocation/next")
        request_id = headers["lambda-runtime-aws-request-id"]
        LogHandler.request_id = request_id
        if "lambda-runtime-trace-id" in headers:
            os.environ["_X_AMZN_TRACE_ID"] = headers["lambda-runtime-trace-id"]
        context = Context(
            request_id,
            int(headers["lambda-runtime-deadline-ms"]),
            headers["lambda-runtime-invoked-function-arn"],
            json.loads(headers.get("lambda-runtime-client-context", "null")),
        )
        try:
            result = handler(json.loads(payload), context)
            try:
                body = json.dumps(result, ensure_ascii=False, default=plain).encode("utf-8", "surrogatepass")
            except Exception as e:
                raise Failure("Runtime.MarshalError", "Unable to marshal response: %s" % e) from e
            verb, extra = "response", [("Content-Type", "application/json")]
        except Exception as e:
            name, body = error_body(e, request_id)
            verb, extra = "error", [("Lambda-Runtime-Function-Error-Type", name)]
        sys.stdout.flush()
        sys.stderr.flush()
        client.request("POST", "invocation/%s/%s" % (request_id, verb), body, extra)


main()
