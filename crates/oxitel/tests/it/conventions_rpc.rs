//! Calls: where their spans stand, and what their metrics say.

use crate::session::{PATIENCE, Session};
use oxitel::conventions::rpc::{
    Call, Direction, Mode, Side, active_handler, active_session, dispatch_span, handle,
    handle_sync, record_payload, record_python_log, record_storage_operation,
};
use oxitel::testing::proto::metrics::v1::{Metric, metric::Data, number_data_point};
use oxitel::{Config, Scope, SpanContext, propagate};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::task::yield_now;

static SCOPE: Scope = Scope::new("conventions of calls");
const CALL: Call<'static> = Call::new("greet", "example.hello");

fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(work)
}

#[test]
fn a_call_its_dispatch_and_its_handler_are_one_trace() {
    let session = Session::start();
    let mut headers: Vec<(String, String)> = Vec::new();
    {
        let call = CALL.on(7).span();
        let _current = call.enter();
        propagate::inject_into(&mut headers);
    }
    let caller = propagate::extract_from(&headers);
    let dispatch = dispatch_span(caller.span_context());
    let answer = run(dispatch.instrument(async {
        let works = async {
            yield_now().await;
            let _step = SCOPE.enter("step");
            Ok::<_, std::fmt::Error>(3)
        };
        handle(CALL.on("by name"), works).await
    }));
    assert_eq!(answer, Ok(3));
    insta::assert_snapshot!(session.tree(), @r#"
    it: rpc.call (client) method=greet cls_id=example.hello object_id=7
      it: engine.dispatch (server)
        it: handler.execute (internal) method=greet cls_id=example.hello object_id="by name"
          it: step (internal)
    "#);
}

#[test]
fn a_dispatch_without_a_caller_stands_below_what_is_current_or_begins_a_trace() {
    let session = Session::start();
    {
        let _served = SCOPE.enter("served");
        drop(dispatch_span(&SpanContext::NONE));
    }
    drop(dispatch_span(&SpanContext::NONE));
    insta::assert_snapshot!(session.tree(), @r#"
    it: served (internal)
      it: engine.dispatch (server)
    it: engine.dispatch (server)
    "#);
}

#[test]
fn a_handler_that_fails_fails_its_span() {
    let session = Session::start();
    let fails = || Err::<(), _>(std::fmt::Error);
    handle_sync(CALL, fails).expect_err("it is passed on");
    run(handle(CALL, async { fails() })).expect_err("it is passed on");
    insta::assert_snapshot!(session.tree(), @r#"
    it: handler.execute (internal) [error: an error occurred when formatting an argument] method=greet cls_id=example.hello
      · exception exception.message="an error occurred when formatting an argument"
    it: handler.execute (internal) [error: an error occurred when formatting an argument] method=greet cls_id=example.hello
      · exception exception.message="an error occurred when formatting an argument"
    "#);
}

/// The points of each metric, each as its attributes and its number.
fn told(session: &Session) -> BTreeMap<String, Vec<String>> {
    oxitel::flush(PATIENCE).expect("delivered");
    let requests = session.receiver.metrics();
    let scopes = requests.last().into_iter().flat_map(|request| &request.scope_metrics);
    let ours = scopes.filter(|it| it.scope.as_ref().is_some_and(|it| it.name == "oxitel.rpc"));
    ours.flat_map(|scope| &scope.metrics).map(|it| (it.name.clone(), points(it))).collect()
}

fn points(metric: &Metric) -> Vec<String> {
    let keys = |attributes: &[oxitel::testing::proto::common::v1::KeyValue]| {
        let words = attributes.iter().map(|pair| {
            let value = pair.value.as_ref().and_then(|value| value.value.as_ref());
            let value = format!("{:?}", value.expect("a value"));
            let value = value.split(['(', ')']).nth(1).expect("its text").replace('"', "");
            format!("{}={value} ", pair.key)
        });
        words.collect::<String>()
    };
    let mut points: Vec<_> = match metric.data.as_ref().expect("data") {
        Data::Sum(sum) => {
            let number = |value| match value {
                Some(number_data_point::Value::AsInt(number)) => number,
                other => panic!("{other:?}"),
            };
            let points = sum.data_points.iter();
            points.map(|it| format!("{}{}", keys(&it.attributes), number(it.value))).collect()
        }
        Data::Histogram(data) => {
            let points = data.data_points.iter();
            points
                .map(|it| format!("{}{:?} of {}", keys(&it.attributes), it.sum, it.count))
                .collect()
        }
        other => panic!("{other:?}"),
    };
    points.sort();
    points
}

fn shown(told: &BTreeMap<String, Vec<String>>) -> String {
    let lines =
        told.iter().map(|(name, points)| [name, "\n  ", &points.join("\n  "), "\n"].concat());
    lines.collect()
}

#[test]
fn calls_are_counted_and_measured_with_exactly_these_labels() {
    let session = Session::start();
    CALL.record(Side::Server, Duration::from_millis(12), Ok(()));
    let bound = CALL.bind();
    bound.record(Side::Server, Duration::from_millis(20), Ok(()));
    bound.record(Side::Client, Duration::from_millis(1), Err("timeout"));
    CALL.record(Side::Client, Duration::from_millis(2), Err("timeout"));
    record_payload(Direction::In, 100);
    record_payload(Direction::Out, 300);
    record_storage_operation("get", Duration::from_micros(500));
    for level in [-5, 5, 10, 25, 30, 39, 40, 50, 1000] {
        record_python_log(level);
    }
    insta::assert_snapshot!(shown(&told(&session)), @r#"
    python_logs_forwarded_total
      level=CRITICAL 2
      level=DEBUG 1
      level=ERROR 1
      level=INFO 1
      level=NOTSET 2
      level=WARNING 2
    rpc_errors_total
      cls_id=example.hello error_kind=timeout method=greet 2
    rpc_payload_bytes
      direction=IN Some(100.0) of 1
      direction=OUT Some(300.0) of 1
    rpc_request_duration_ms
      cls_id=example.hello method=greet Some(35.0) of 4
    rpc_requests_total
      cls_id=example.hello method=greet success=false 2
      cls_id=example.hello method=greet success=true 2
    storage_op_latency_ms
      op=get Some(0.5) of 1
    "#);
}

#[test]
fn what_is_open_goes_up_and_comes_back_to_nothing() {
    let early = active_session();
    let session = Session::start();
    let open = [active_session(), active_session()];
    let handlers = [active_handler(Mode::Sync), active_handler(Mode::Async)];
    let during = told(&session);
    assert_eq!(during["active_sessions"], ["2"]);
    assert_eq!(during["active_handlers"], ["mode=async 1", "mode=sync 1"]);
    drop((open, handlers));
    // It was not counted, so it is not counted down.
    drop(early);
    let after = told(&session);
    assert_eq!(after["active_sessions"], ["0"]);
    assert_eq!(after["active_handlers"], ["mode=async 0", "mode=sync 0"]);
}

/// Beside those that were there, which stay.
#[test]
fn the_metrics_of_the_standard_are_there_for_those_who_ask() {
    let asks = |area: &'static str| {
        move |config: Config| {
            let endpoint = config.endpoint.clone().expect("the receiver's");
            let variable = move |name: &str| {
                (name == "OTEL_SEMCONV_STABILITY_OPT_IN").then(|| area.to_owned())
            };
            Config::from_lookup(variable).endpoint(endpoint).own_metrics(false)
        }
    };
    for area in ["rpc", "http,rpc/dup"] {
        let session = Session::with(asks(area));
        CALL.record(Side::Server, Duration::from_millis(250), Ok(()));
        CALL.bind().record(Side::Client, Duration::from_millis(500), Err("timeout"));
        let told = told(&session);
        let server = "rpc.method=example.hello/greet rpc.system.name=oprc Some(0.25) of 1";
        assert_eq!(told["rpc.server.call.duration"], [server]);
        let client = "error.type=timeout rpc.method=example.hello/greet rpc.system.name=oprc \
                      Some(0.5) of 1";
        assert_eq!(told["rpc.client.call.duration"], [client]);
        assert_eq!(told["rpc_requests_total"].len(), 2, "{told:?}");
    }
    let session = Session::with(asks("http"));
    CALL.record(Side::Server, Duration::from_millis(250), Ok(()));
    assert!(!told(&session).contains_key("rpc.server.call.duration"));
}
