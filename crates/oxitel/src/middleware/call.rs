//! One request on its way: its span, its place in a trace, and what became of it.
//!
//! Flow: a layer makes a **call** of a request, the future runs under it, the body finishes it.
//! A call that is dropped before it was settled was given up.

use super::attributes::{method_in_name, version};
use super::failure::{kind, panic_text};
use super::route::Served;
use super::rpc_status;
use super::settings::SpanEnd;
use crate::context::Captured;
use crate::record::{Span, Status, Value, printed};
use http::{HeaderMap, Method, Response, StatusCode};
use std::any::Any;
use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

#[derive(Debug)]
pub(super) struct Call {
    pub(super) span: Span,
    /// What is current around the span: the caller's baggage, or all of its context where the
    /// span has none of its own.
    pub(super) place: Option<Captured>,
    pub(super) side: Side,
    settled: bool,
}

/// Which end of what connection.
#[derive(Debug)]
pub(super) enum Side {
    HttpServer(Serving),
    HttpClient,
    RpcServer,
    RpcClient,
}

/// What an HTTP server has to remember until its answer.
#[derive(Debug)]
pub(super) struct Serving {
    pub(super) method: Method,
    pub(super) method_is_known: bool,
    pub(super) served: Served,
    pub(super) end: SpanEnd,
}

impl Call {
    pub(super) fn new(span: Span, place: Option<Captured>, side: Side) -> Self {
        Self { span, place, side, settled: false }
    }

    /// Runs a part of the work. A panic is noted and goes on.
    pub(super) fn run<R>(&mut self, work: impl FnOnce() -> R) -> R {
        let ran = {
            let _place = self.place.as_ref().map(Captured::attach);
            let _current = self.span.enter();
            // The state of what panicked is nobody's any more: the panic goes on.
            catch_unwind(AssertUnwindSafe(work))
        };
        ran.unwrap_or_else(|payload| {
            self.panicked(&*payload);
            resume_unwind(payload)
        })
    }

    /// The head of the answer is there. Returns the call when its body is still to come.
    pub(super) fn answered<B>(mut self, head: &Response<B>, has_ended: bool) -> Option<Self> {
        match &self.side {
            Side::HttpServer(_) => self.http_server_answered(head.status()),
            Side::HttpClient => {
                if let Some(version) = version(head.version()) {
                    self.span.set_attribute("network.protocol.version", version);
                }
                self.http_status(head.status(), 400);
                // The program may not want the rest of it.
                self.settled = true;
            }
            Side::RpcServer | Side::RpcClient => self.rpc_answered(head),
        }
        if has_ended {
            self.settled = true;
        }
        let ends_here = has_ended || self.ends_with(head.status());
        if ends_here { None } else { Some(self) }
    }

    /// Whether an answer with this status has no body that anybody would take.
    fn ends_with(&mut self, status: StatusCode) -> bool {
        let Side::HttpServer(serving) = &self.side else { return false };
        let bodyless = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
        // What follows is no body but a tunnel.
        let connects = serving.method == Method::CONNECT && status.is_success();
        let is_head = serving.method == Method::HEAD || serving.end == SpanEnd::Head;
        let ends = bodyless || connects || is_head;
        self.settled |= ends;
        ends
    }

    /// Whether the length in the head says when the body is complete; with gRPC there are
    /// trailers behind it.
    pub(super) fn length_is_all(&self) -> bool {
        matches!(self.side, Side::HttpServer(_) | Side::HttpClient)
    }

    /// The answer is complete.
    pub(super) fn completed(mut self) {
        self.settled = true;
    }

    /// There is no answer, or it broke off.
    pub(super) fn failed<E: Display + 'static>(mut self, error: &E) {
        self.settled = true;
        if self.span.is_recording() {
            // The error's own code runs here, before anything of ours is borrowed.
            let text = printed(format_args!("{error}"));
            self.span.set_attribute("error.type", &kind(error)).set_status(Status::Error(&text));
        }
    }

    /// What a gRPC server says behind the body.
    pub(super) fn trailers(&mut self, trailers: &HeaderMap) {
        if !self.settled && matches!(self.side, Side::RpcServer | Side::RpcClient) {
            self.rpc_status_of(trailers);
        }
    }

    fn http_server_answered(&mut self, status: StatusCode) {
        let Side::HttpServer(serving) = &self.side else { return };
        if let Some(route) = serving.served.take_route() {
            let known = if serving.method_is_known { serving.method.as_str() } else { "_OTHER" };
            self.span.update_name(&[method_in_name(known), " ", &route].concat());
            self.span.set_attribute("http.route", &route);
        }
        self.http_status(status, 500);
    }

    /// Notes the status; from `error_from` on it is an error.
    fn http_status(&mut self, status: StatusCode, error_from: u16) {
        let code = status.as_u16();
        self.span.set_attribute("http.response.status_code", code);
        if code >= error_from {
            // The code says it all: no description.
            self.span.set_attribute("error.type", status.as_str()).set_status(Status::Error(""));
        }
    }

    fn rpc_answered<B>(&mut self, head: &Response<B>) {
        self.rpc_status_of(head.headers());
        if !self.settled
            && let Some(code) = rpc_status::of_http(head.status())
        {
            self.rpc_ended(code, "");
        }
    }

    fn rpc_status_of(&mut self, headers: &HeaderMap) {
        if let Some(code) = rpc_status::of(headers) {
            let message =
                if self.span.is_recording() { rpc_status::message(headers) } else { String::new() };
            self.rpc_ended(code, &message);
        }
    }

    fn rpc_ended(&mut self, code: &str, message: &str) {
        self.settled = true;
        self.span.set_attribute("rpc.status_code", code);
        if rpc_status::is_error(code, matches!(self.side, Side::RpcServer)) {
            self.span.set_attribute("error.type", code).set_status(Status::Error(message));
        }
    }

    fn panicked(&mut self, payload: &(dyn Any + Send)) {
        self.settled = true;
        let text = panic_text(payload);
        let attributes =
            [("exception.type", Value::Str("panic")), ("exception.message", Value::Str(text))];
        self.span
            .add_event("exception", &attributes)
            .set_attribute("error.type", "panic")
            .set_status(Status::Error(text));
    }

    fn given_up(&mut self) {
        match self.side {
            Side::HttpServer(_) | Side::HttpClient => {
                self.span.set_attribute("error.type", "cancelled").set_status(Status::Error(""));
            }
            Side::RpcServer | Side::RpcClient => self.rpc_ended(rpc_status::CANCELLED, ""),
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        if !self.settled {
            self.given_up();
        }
    }
}
