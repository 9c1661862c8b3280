//! A small service that uses every name of `oxitel`. That it compiles with and without the
//! feature `otel` is the point; what it returns is the same when telemetry is off.

use oxitel::bridge::{InstallError, Layer, Lines, SetParentError, SpanExt, Subscriber};
use oxitel::config::{
    Compression, ExemplarFilter, Exporters, HistogramAggregation, LogLevel, LogRecords,
    MetricReader, Origin, ResolvedSetting, Signal, Stream, Temporality, Tls,
};
use oxitel::context::Baggage;
use oxitel::conventions::rpc::{
    self, ActiveHandler, ActiveSession, BoundCall, Call, Direction, Mode, Side,
};
use oxitel::conventions::service::{Container, of_class};
use oxitel::conventions::{
    BackgroundJobType, CurrentOperation, DbOperation, DbSpan, EnteredOperation, JobSpan, Metric,
    background, background_span, db, db_query_span, db_span, record_background_metrics,
    record_db_metrics, stream,
};
use oxitel::export::{ExportError, Exporter, Files, KeptRequest, Memory, Request, SignalKind};
use oxitel::metrics::{
    Aggregation, BoundCounter, BoundGauge, BoundHistogram, BoundUpDownCounter, Counter, Gauge,
    Histogram, InstrumentKind, Meter, Number, Observable, Observer, PageError, PrometheusPage,
    Translation, UpDownCounter, View,
};
use oxitel::middleware::{
    ClientSpan, HttpClient, HttpClientLayer, HttpServer, HttpServerLayer, MetricsPage,
    ResponseBody, ResponseFuture, RpcClient, RpcClientLayer, RpcServer, RpcServerLayer, SpanEnd,
    TrustIncoming, http_client, set_route,
};
use oxitel::propagate::environment::{self, Variables};
use oxitel::propagate::{Extract, Getter, Incoming, Inject, Propagator, Propagators, Setter};
use oxitel::{
    Config, Decision, Detector, FlushError, ForeignRecord, Headers, Hooks, InitError, Kind, Limits,
    Protocol, Redaction, Resolved, Sampler, Sampling, Scalar, Scope, Severity, ShouldSample,
    SpanContext, SpanMut, SpanRef, Stats, Status, Value, ValueRef, Verdict, context, propagate,
};
use std::collections::{BTreeMap, HashMap};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tower_layer::Layer as _;
use tower_service::Service as _;
use tracing_subscriber::Registry;
use tracing_subscriber::layer::{Layered, SubscriberExt};

static SCOPE: Scope = Scope::new("service").version("1").schema_url("").attributes(&[("a", "b")]);

/// What the service saw of its telemetry.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether any span was recorded.
    pub recording: bool,
    /// Headers that would go to the next service.
    pub headers: Vec<(String, String)>,
    /// The ledger at the end.
    pub stats: Stats,
    /// How the flush went.
    pub flushed: Result<(), FlushError>,
}

/// Runs the service once, with nowhere to send to.
pub fn run() -> Result<Seen, InitError> {
    let config = Config::default()
        .service_name("service")
        .service_version("1")
        .service_namespace("services")
        .deployment_environment("test")
        .detectors(&[Detector::Process, Detector::Os])
        .protocol(Protocol::HttpProtobuf)
        .traces(true)
        .metrics(false)
        .logs(false)
        .max_queue_size(2048)
        .max_export_batch_size(512)
        .log_level(LogLevel::Warn)
        .header("k", "v")
        .resource_attribute("k", "v")
        .sampler(Sampler::ratio(0.5).parent_based())
        .limits(Limits::default())
        .schedule_delay(Duration::from_secs(1))
        .export_timeout(Duration::from_secs(1))
        .shutdown_timeout(Duration::from_secs(1))
        .queue_bytes(1 << 20)
        .live_bytes(1 << 20);
    let guard = oxitel::init(with_a_say(config))?;
    let mut recording = guard.is_recording();

    let (caller, _) = propagate::extract(|_| None).into_parts();
    let _here = context::with_parent(&caller).attach();
    let mut request = SCOPE.build("request").kind(Kind::Server).attribute("n", 1).enter();
    request.set_attribute("list", Value::Array(&[Value::Bool(true)]));
    request.add_event("event", &[("k", Value::Str("v"))]).set_status(Status::Ok);
    let step = SCOPE.span("step");
    recording |= request.is_recording() || step.enter().is_recording();
    recording |= step.context() != SpanContext::NONE;
    let mut headers = Vec::new();
    propagate::inject(|name, value| headers.push((name.into(), value.into())));
    propagate::inject_into(&mut headers);
    propagate::inject_context(&caller, |name, value| headers.push((name.into(), value.into())));
    drop(request);
    SCOPE.enter("another").update_name("renamed").add_link(&caller, &[]);

    let flushed = oxitel::flush(Duration::from_secs(1));
    drop(guard);
    Ok(Seen { recording, headers, stats: oxitel::stats(), flushed })
}

/// Exporters of every kind, none of which is started.
pub fn exporters() -> (Config, String) {
    let memory = Memory::with_limit(1 << 20);
    let files = Files::new("telemetry").rotate_at(1 << 20).keep(1);
    let config = Config::default()
        .console(Stream::Output)
        .files(files)
        .memory(&memory)
        .exporter("refuses", Refuses);
    memory.clear();
    let kept: Vec<KeptRequest> = memory.requests();
    let json = kept.iter().map(KeptRequest::to_json).collect::<String>() + &memory.json();
    assert_eq!(memory.records(), 0);
    (config, json)
}

struct Refuses(SignalKind);

impl Exporter for Refuses {
    fn export(&mut self, request: &Request<'_>) -> Result<(), ExportError> {
        let is_known = request.signal() == self.0 && request.length() == request.to_vec().len();
        let pieces = request.pieces().count();
        let reason = format!("{} {} {pieces}", request.to_json(), request.records());
        if is_known { Ok(()) } else { Err(ExportError::TryAgain { after: None, reason }) }
    }

    fn shutdown(&mut self) {}
}

/// What a program adds that wants a say in its spans.
fn with_a_say(config: Config) -> Config {
    let redaction = Redaction::default().key("k").pattern("*k*").allow("key").value(|_, _| None);
    let sampler = Sampler::custom(Everything)
        .remote_parent_sampled(Sampler::probability(0.5))
        .remote_parent_not_sampled(Sampler::always_off())
        .local_parent_sampled(Sampler::always_on())
        .local_parent_not_sampled(Sampler::always_off());
    assert!(sampler.description().starts_with("ParentBased{root:Everything,"));
    assert!(!redaction.is_off() && Redaction::off().is_off());
    assert_eq!(config.hooks, Hooks::default());
    config
        .sampler(sampler)
        .redaction(redaction)
        .on_start(started)
        .on_end(ended)
        .baggage_attributes(|name| name == "tenant")
}

struct Everything;

impl ShouldSample for Everything {
    fn should_sample(&self, sampling: &Sampling<'_>) -> Decision {
        let Sampling { parent, trace_id, name, kind, attributes, links, .. } = sampling;
        let root = !parent.is_valid() && trace_id.is_valid() && links.is_empty();
        let wanted = root || *kind == Kind::Server || !attributes.is_empty();
        let name = Scalar::Text((*name).to_owned());
        let decision = if wanted { Decision::keep() } else { Decision::drop() };
        decision.attribute("name", name).attribute("root", root).trace_state("k=v")
    }

    fn description(&self) -> String {
        "Everything".to_owned()
    }
}

fn started(span: &mut SpanMut<'_>, parent: &SpanContext) {
    let kind = format!("{:?}", span.as_ref().kind());
    span.set_attribute("root", !parent.is_valid()).update_name("started");
    span.add_event("kind", &[("kind", Value::Str(&kind))]).set_status(Status::Unset);
}

fn ended(span: &SpanRef<'_>) -> Verdict {
    let long = span.duration() > Duration::from_secs(1) && span.start_ns() > 0;
    let full = span.events_count() + span.links_count() > 0 || span.attributes().count() > 9;
    let items = match span.attribute("list") {
        Some(ValueRef::Array(items)) => items.count(),
        Some(ValueRef::Map(pairs)) => pairs.count(),
        Some(other) => other.as_str().map_or(0, str::len),
        None => 0,
    };
    let known = span.context().is_valid() && span.parent_span_id().is_valid();
    let failed = matches!(span.status(), Status::Error(_));
    let named = !span.name().is_empty() && !span.scope_name().is_empty();
    if long || full || items > 0 || known || failed || named {
        Verdict::Keep
    } else {
        Verdict::Drop
    }
}

/// What is configured, as a person reads it: the configuration needs no engine.
pub fn configured(variables: &[(&str, &str)]) -> Vec<(String, String, Origin)> {
    let mut config = Config::from_lookup(|name| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    });
    assert_eq!(config.headers, Headers::default());
    assert_eq!((&config.tls, config.compression), (&Tls::default(), Compression::None));
    let signals: [&Signal; 3] = [&config.traces, &config.metrics, &config.logs];
    assert!(signals.iter().all(|signal| signal.exporters != Exporters::NONE));
    let reader: &MetricReader = &config.metric_reader;
    assert_eq!(reader.temporality, Temporality::Cumulative);
    assert_eq!(reader.exemplar_filter, ExemplarFilter::TraceBased);
    assert_eq!(reader.histogram_aggregation, HistogramAggregation::ExplicitBuckets);
    config.log_records = LogRecords::default();
    let resolved: Resolved = config.resolved();
    let told = |setting: &ResolvedSetting| {
        (setting.name.to_owned(), setting.value.clone(), setting.origin)
    };
    resolved.iter().filter(|setting| setting.origin != Origin::Default).map(told).collect()
}

/// A subscriber with our layer in it; without the engine the layer does nothing.
pub fn subscriber() -> Layered<Layer, Registry> {
    let layer = oxitel::bridge::layer().with_location(true).with_threads(true);
    tracing_subscriber::registry().with(layer)
}

/// Our own subscriber; without the engine it filters and prints, and records nothing.
pub fn own_subscriber() -> Subscriber {
    oxitel::bridge::subscriber()
        .with_filter("info,h2=off")
        .with_location(true)
        .with_threads(true)
        .console()
}

/// Events as lines, in both forms: they need no engine. Returns how many were lost.
pub fn lines(write: impl Fn(&[u8]) -> std::io::Result<()> + Send + Sync + 'static) -> u64 {
    let json: Lines = oxitel::bridge::json_lines().write_with(write);
    let text = oxitel::bridge::text_lines().on_stderr();
    let subscriber = oxitel::bridge::subscriber().with_filter("info").lines(json);
    tracing::subscriber::with_default(subscriber, || tracing::info!(n = 1, "said"));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(text), || {});
    oxitel::bridge::lines_lost()
}

/// What another logging system says.
pub fn forwarded(span: &SpanContext) -> Severity {
    let record = ForeignRecord::new(50, "said").level_name("CRITICAL").logger("service");
    let record = record.module("module").line(1).thread("main").thread_id(1).in_span(span);
    let record = record.exception("Error", "failed", "").time(SystemTime::now());
    oxitel::forward_log(&record.extras(&[("k", Value::Str("v"))]));
    record.severity()
}

/// What a program may do to a span of `tracing`: where its parent is set, and where it stands.
pub fn extended(parent: &SpanContext) -> (Result<(), SetParentError>, SpanContext) {
    let span = tracing::info_span!("span");
    let moved = span.set_parent(parent);
    span.set_attribute("n", 1);
    span.add_link(parent);
    span.set_status(Status::Ok);
    tracing::info!("event");
    (moved, span.context())
}

/// Makes our subscriber the process's.
pub fn install() -> Result<(), InstallError> {
    own_subscriber().try_init()?;
    own_subscriber().init();
    Ok(())
}

/// Work that moves between threads.
pub async fn work() -> u32 {
    let step = async { 41 };
    let place = context::capture();
    let work = async move { oxitel::instrument(place.wrap(step), "step").await + 1 };
    SCOPE.span("work").instrument(work).await
}

/// What travels, in every format and carrier: it needs no engine.
pub fn travel(headers: &[(String, String)]) -> (Incoming, Vec<(String, String)>) {
    let (propagators, warnings) = Propagators::parse("w3c,b3,b3multi,jaeger");
    assert!(warnings.is_empty(), "{warnings:?}");
    let before = propagate::propagators();
    propagate::set(Propagators::of(&[Propagator::Baggage]));
    assert!(propagate::extract_from(headers).span_context() == &SpanContext::NONE);
    propagate::set(before);

    let incoming = propagators.extract(&headers);
    let mut sent: Vec<(String, String)> = Vec::new();
    propagators.inject(incoming.span_context(), incoming.baggage(), &mut sent);
    let get = |name: &str| sent.iter().find(|(known, _)| known == name).map(|(_, v)| v.as_str());
    let by_closure: Getter<_> = propagate::getter(get);
    assert_eq!(propagators.extract(&by_closure).span_context(), incoming.span_context());
    let mut by_setter: Setter<_> = propagate::setter(|_, _| {});
    propagators.inject(&SpanContext::NONE, &Baggage::new(), &mut by_setter);

    let (mut map, mut tree) = (HashMap::new(), BTreeMap::new());
    let mut command = Command::new("worker");
    let carriers: [&mut dyn Inject; 3] = [&mut map, &mut tree, &mut command];
    for carrier in carriers {
        propagators.inject(incoming.span_context(), incoming.baggage(), carrier);
    }
    let given = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let variables: Variables = given.collect();
    let carriers: [&dyn Extract; 4] = [&sent, &map, &tree, &variables];
    for carrier in carriers {
        let same = propagators.extract(carrier);
        assert_eq!(same.span_context(), incoming.span_context());
        assert_eq!(same.baggage().get("tenant"), incoming.baggage().get("tenant"));
    }
    assert_eq!(environment::normalized("traceparent"), "TRACEPARENT");
    assert!(!propagate::extract_from(&Variables::of_process()).span_context().is_debug());
    let here = incoming.attach();
    let _ = context::baggage();
    drop((here, incoming.place().with_baggage(incoming.baggage()), incoming.wrap(async {})));
    (incoming, sent)
}

/// A service behind every layer there is, with every word they can be told.
pub fn layers<S>(service: S) -> HttpServer<RpcServer<HttpClient<RpcClient<S>>>> {
    let rpc_client = RpcClientLayer::new().server("localhost:50051");
    let http_client =
        HttpClientLayer::new().template(|_| None).scheme("https").known_methods(&["QUERY"]);
    let rpc_server = RpcServerLayer::new()
        .trust_incoming(TrustIncoming::Never)
        .filter(|request| request.uri.path() != "/health")
        .client_address(|_| None);
    let http_server = HttpServerLayer::new()
        .trust_incoming(TrustIncoming::Link)
        .filter(|_| true)
        .route(|_| Some("/"))
        .client_address(|_| Some("::1".to_owned()))
        .scheme("https")
        .known_methods(&["PROPFIND"])
        .span_end(SpanEnd::Head);
    http_server.layer(rpc_server.layer(http_client.layer(rpc_client.layer(service))))
}

/// What a handler without `tower` does.
pub fn handled<F>(work: F) -> ResponseFuture<F> {
    HttpServerLayer::new().handle(http::Request::new(()), |request| {
        set_route(request.extensions(), "/");
        work
    })
}

/// The headers that a client without `tower` sends.
pub async fn called(status: u16) -> HashMap<String, String> {
    let mut headers = HashMap::new();
    let mut call: ClientSpan = http_client("GET", "http://localhost/");
    call.inject(&mut headers);
    call.span_mut().set_attribute("k", "v");
    call.wrap(async {}).await;
    call.finish(status);
    http_client(http::Method::GET, "http://localhost/").fail(&std::fmt::Error);
    headers
}

/// A body as the layers give it back.
pub type Body = ResponseBody<String>;

/// Serves the page for Prometheus itself; returns the status of the answer and why there is none.
pub async fn served() -> (u16, String) {
    let config = Config::default().own_prometheus_page();
    assert_eq!(config.metric_reader.prometheus_translation, Translation::default());
    let text = |page: Result<PrometheusPage, PageError>| {
        page.map_or_else(
            |error| error.to_string(),
            |page| page.content_type.to_owned() + &page.text,
        )
    };
    assert_eq!(text(PrometheusPage::collect_blocking("")), text(PrometheusPage::collect("").await));
    let answer = MetricsPage::new().call(http::Request::new(())).await;
    let status = answer.map_or(0, |answer| answer.status().as_u16());
    (status, text(PrometheusPage::collect_blocking("")))
}

/// Measures with every instrument; returns how often a callback was asked for its value.
pub fn measured() -> usize {
    let meter = Meter::of(&SCOPE);
    let attributes = [("k", Value::Str("v"))];
    let counter: Counter = meter.u64_counter("counter").unit("{x}").description("d").build();
    counter.add(1, &attributes);
    let bound: BoundCounter = counter.bind(&attributes);
    bound.add(1);
    meter.f64_counter("counter.float").build().add(0.5, &[]);
    let up_down: UpDownCounter<i64> = meter.i64_up_down_counter("up_down").build();
    let bound: BoundUpDownCounter<i64> = up_down.bind(&[]);
    bound.add(-1);
    meter.f64_up_down_counter("up_down.float").build().add(-0.5, &[]);
    let histogram: Histogram<f64> = meter.f64_histogram("histogram").bounds(&[1.0]).build();
    let bound: BoundHistogram<f64> = histogram.bind(&[]);
    bound.record(0.5);
    meter.u64_histogram("histogram.whole").build().record(5, &[]);
    let gauge: Gauge<f64> = Meter::named("other").f64_gauge("gauge").build();
    let bound: BoundGauge<f64> = gauge.bind(&[]);
    bound.record(0.5);
    meter.u64_gauge("gauge.whole").build().record(1, &[]);
    meter.i64_gauge("gauge.signed").build().record(-1, &[]);
    asked(meter)
}

fn asked(meter: Meter) -> usize {
    fn answer<N: Number>(value: N, count: &Arc<AtomicUsize>) -> impl Fn(&Observer<'_, N>) + use<N> {
        let count = Arc::clone(count);
        move |it| {
            count.fetch_add(1, Ordering::Relaxed);
            it.observe(value, &[]);
        }
    }
    let count = Arc::default();
    let all: [Observable; 7] = [
        meter.u64_observable_counter("a").callback(answer(1, &count)).build(),
        meter.f64_observable_counter("b").callback(answer(1.0, &count)).unit("s").build(),
        meter.i64_observable_up_down_counter("c").callback(answer(1, &count)).build(),
        meter.f64_observable_up_down_counter("d").callback(answer(1.0, &count)).build(),
        meter.u64_observable_gauge("e").callback(answer(1, &count)).description("d").build(),
        meter.i64_observable_gauge("f").callback(answer(1, &count)).build(),
        meter.f64_observable_gauge("g").callback(answer(1.0, &count)).build(),
    ];
    all.iter().for_each(Observable::stop);
    count.load(Ordering::Relaxed)
}

/// Views with everything that can be said in one.
pub fn views() -> (View, View, Translation) {
    let view = View::of("a.*")
        .of_kind(InstrumentKind::Histogram)
        .of_unit("s")
        .of_scope("service")
        .of_scope_version("1")
        .of_scope_schema("")
        .description("d")
        .keep(["k"])
        .aggregation(Aggregation::exponential())
        .cardinality_limit(10)
        .exemplars(2);
    let other = View::of("a").name("b").leave_out(["k"]).aggregation(Aggregation::explicit());
    (view, other, Translation::default())
}

/// Work on a store, as the conventions have it; says whether any of it was recorded.
pub async fn stored() -> bool {
    let mut span: DbSpan = db_span(DbOperation::Get, Some("articles"), Some("tenant"));
    let mut recording = span.is_recording();
    {
        let mut current: CurrentOperation<'_, _> = span.enter();
        recording |= current.set_attribute(db::NAMESPACE, "other").is_recording();
        record_db_metrics(Some(1), None);
    }
    let query = db_query_span("SELECT 1", "articles", None).stored_at("/store").batch_size(2);
    let entered: EnteredOperation<_> = query.entered();
    recording |= entered.is_recording();
    drop(entered);
    let job: JobSpan = background_span(BackgroundJobType::IndexBuild, "hnsw");
    let work = async { record_background_metrics(Some(1), Some(1), background::SUCCESS) };
    job.submitted_by(&SpanContext::NONE).instrument(work).await;
    recording
}

/// Calls and events, as the conventions have them.
pub async fn answered() -> Result<u32, std::fmt::Error> {
    let call = Call::new("greet", "hello").on(7);
    let bound: BoundCall = call.bind();
    bound.record(Side::Client, Duration::ZERO, Err("timeout"));
    rpc::record_payload(Direction::In, 1);
    rpc::record_storage_operation("get", Duration::ZERO);
    rpc::record_python_log(20);
    let open: (ActiveSession, ActiveHandler) =
        (rpc::active_session(), rpc::active_handler(Mode::Async));
    drop((open, rpc::dispatch_span(&SpanContext::NONE), call.span()));
    let metrics: Vec<&Metric> = rpc::METRICS.iter().chain(stream::METRICS).collect();
    assert_eq!((metrics.len(), rpc::STANDARD_METRICS.len()), (16, 2));
    stream::instruments().events_processed.add(1, &[]);
    stream::Instruments::of(Meter::of(&SCOPE)).watermark_lag.record(1, &[]);
    assert_eq!(of_class("hello", Container::Odgm), "hello-odgm");
    let half = rpc::handle_sync(call, || Ok::<_, std::fmt::Error>(21))?;
    let answer = rpc::handle(call, async { Ok(half * 2) }).await;
    call.record(Side::Server, Duration::ZERO, answer.map(|_| ()).map_err(|_| "handler"));
    answer
}
