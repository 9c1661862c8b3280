//! Pages as scrapers get them.

use super::negotiate::{Answer, negotiate};
use super::{Style, Translation, page};
use crate::Scope;
use crate::config::ExemplarFilter;
use crate::config::Temporality;
use crate::metrics::tests::Session;
use crate::metrics::{Aggregation, Meter, Settings, View};
use crate::pipeline::encode::{attribute, tag};
use crate::record::Value;
use insta::assert_snapshot;

static SHOP: Scope = Scope::new("shop").version("1.2").attributes(&[("team", "blue")]);

fn style(translation: Translation, accept: &str) -> Style {
    Style { translation, scope_labels: false, answer: negotiate(accept) }
}

fn resource() -> Vec<u8> {
    let mut resource = Vec::new();
    for (key, value) in [("service.name", "pro\"gram"), ("service.version", "1")] {
        attribute(&mut resource, tag::RESOURCE_ATTRIBUTE, key, &Value::Str(value), usize::MAX);
    }
    resource
}

fn pulled() -> Session {
    Session::with(Settings { pulled: true, ..Settings::default() })
}

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0";

#[test]
fn the_text_format_shows_every_kind() {
    let _session = pulled();
    let meter = Meter::of(&SHOP);
    let orders = meter.u64_counter("shop.orders").unit("{order}").description("Sold\n\\ things");
    orders.build().add(3, &[("pay.by", "car\"d\n".into()), ("first", true.into())]);
    meter.f64_counter("sent").unit("By").build().add(1.5, &[]);
    meter.i64_up_down_counter("open").build().add(-2, &[]);
    meter.f64_gauge("full").unit("1").build().record(0.5, &[]);
    let took = meter.f64_histogram("took").unit("s").bounds(&[0.5, 1.0]).build();
    took.record(0.5, &[("a", 1.into())]);
    took.record(7.0, &[("a", 1.into())]);
    let style = Style { scope_labels: true, ..style(Translation::default(), "") };
    assert_snapshot!(page(&resource(), style), @r#"
    # HELP target_info Target metadata
    # TYPE target_info gauge
    target_info{service_name="pro\"gram",service_version="1"} 1
    # HELP shop_orders_total Sold\n\\ things
    # TYPE shop_orders_total counter
    shop_orders_total{first="true",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2",pay_by="car\"d\n"} 3
    # TYPE sent_bytes_total counter
    sent_bytes_total{otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2"} 1.5
    # TYPE open gauge
    open{otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2"} -2
    # TYPE full_ratio gauge
    full_ratio{otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2"} 0.5
    # TYPE took_seconds histogram
    took_seconds_bucket{a="1",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2",le="0.5"} 1
    took_seconds_bucket{a="1",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2",le="1"} 1
    took_seconds_bucket{a="1",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2",le="+Inf"} 2
    took_seconds_sum{a="1",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2"} 7.5
    took_seconds_count{a="1",otel_scope_name="shop",otel_scope_team="blue",otel_scope_version="1.2"} 2
    "#);
}

#[test]
fn open_metrics_shows_exemplars_units_and_an_end() {
    let exemplars = ExemplarFilter::AlwaysOn;
    let _session = Session::with(Settings { pulled: true, exemplars, ..Settings::default() });
    let meter = Meter::named("open");
    meter.u64_counter("sent").unit("By").build().add(2, &[]);
    let took = meter.f64_histogram("took").unit("s").bounds(&[1.0]).build();
    took.record(0.5, &[]);
    let text = page(&resource(), style(Translation::default(), OPEN_METRICS));
    // The time of a measurement is not the same in every run.
    let lines = text.lines().map(|line| match line.split_once(" # ") {
        Some((sample, exemplar)) => {
            let value = exemplar.rsplit_once(' ').map_or("", |(value, _)| value);
            format!("{sample} # {value} TIME\n")
        }
        None => format!("{line}\n"),
    });
    assert_snapshot!(lines.collect::<String>(), @r#"
    # HELP target Target metadata
    # TYPE target info
    target_info{service_name="pro\"gram",service_version="1"} 1
    # TYPE sent_bytes counter
    # UNIT sent_bytes bytes
    sent_bytes_total 2 # {} 2 TIME
    # TYPE took_seconds histogram
    # UNIT took_seconds seconds
    took_seconds_bucket{le="1.0"} 1 # {} 0.5 TIME
    took_seconds_bucket{le="+Inf"} 1
    took_seconds_sum 0.5
    took_seconds_count 1
    # EOF
    "#);
}

#[test]
fn names_follow_the_strategy_and_what_the_scraper_takes() {
    use Translation as To;
    let _session = pulled();
    Meter::named("names").u64_counter("foo.bar").unit("By").build().add(1, &[("a.b", 1.into())]);
    let line = |to, accept: &str| {
        let page = page(&[], style(to, accept));
        page.lines().find(|line| !line.starts_with('#')).map(str::to_owned).unwrap_or_default()
    };
    let utf8 = "text/plain; version=1.0.0; escaping=allow-utf-8";
    for (to, accept, expected) in [
        (To::UnderscoreEscapingWithSuffixes, utf8, r#"foo_bar_bytes_total{a_b="1"} 1"#),
        (To::UnderscoreEscapingWithoutSuffixes, utf8, r#"foo_bar{a_b="1"} 1"#),
        (To::NoUtf8EscapingWithSuffixes, utf8, r#"{"foo.bar_bytes_total","a.b"="1"} 1"#),
        (To::NoTranslation, utf8, r#"{"foo.bar","a.b"="1"} 1"#),
        (To::NoUtf8EscapingWithSuffixes, "", r#"foo_bar_bytes_total{a_b="1"} 1"#),
        (To::NoTranslation, "text/plain", r#"foo_bar{a_b="1"} 1"#),
    ] {
        assert_eq!(line(to, accept), expected, "{to:?}");
    }
    assert_eq!(To::named("NoUTF8EscapingWithSuffixes"), Some(To::NoUtf8EscapingWithSuffixes));
}

#[test]
fn names_and_labels_that_meet_are_told_apart_or_joined() {
    let _session = pulled();
    let meter = Meter::named("meet");
    meter.u64_counter("a.b_total").build().add(1, &[("x.y", 1.into()), ("x-y", 2.into())]);
    meter.u64_counter("a-b").build().add(2, &[("other", 1.into())]);
    // The same labels, once escaped: one point.
    meter.u64_counter("a-b").build().add(3, &[("Other", 1.into())]);
    Meter::named("meet.too").u64_counter("a/b").build().add(4, &[("other", 1.into())]);
    // Of another type: left out.
    meter.f64_gauge("a_b_total").build().record(3.0, &[]);
    meter.f64_gauge("9.lives.in.seconds").build().record(3.0, &[]);
    meter.f64_gauge("wait.seconds").unit("s").build().record(3.0, &[]);
    assert_snapshot!(page(&[], style(Translation::default(), "")), @r#"
    # TYPE a_b_total counter
    a_b_total{x_y="2;1"} 1
    a_b_total{other="1"} 6
    a_b_total{Other="1"} 3
    # TYPE wait_seconds gauge
    wait_seconds 3
    "#);
}

#[test]
fn what_is_pulled_is_cumulative_beside_a_push_of_delta() {
    let temporality = Temporality::Delta;
    let views = vec![View::of("e").aggregation(Aggregation::exponential())];
    let _session =
        Session::with(Settings { pulled: true, temporality, views, ..Settings::default() });
    let meter = Meter::named("both");
    let counter = meter.u64_counter("c").build();
    let exponential = meter.f64_histogram("e").build();
    for _ in 0..2 {
        counter.add(1, &[]);
        exponential.record(2.0, &[]);
        let pushed = crate::metrics::tests::shown("both");
        assert!(pushed.starts_with("c delta sum{} = 1\n"), "{pushed}");
    }
    counter.add(1, &[]);
    assert_snapshot!(page(&[], style(Translation::default(), "")), @r#"
    # TYPE c_total counter
    c_total 3
    # TYPE e histogram
    e_bucket{le="+Inf"} 2
    e_sum 4
    e_count 2
    "#);
    assert_eq!(negotiate(""), Answer { takes_utf8: false, ..negotiate("*/*") });
}

#[cfg(feature = "python")]
#[test]
fn what_another_extension_hands_over_looks_as_our_own() {
    use super::{collect, families, handed, text};
    use crate::metrics::show_pieces;
    use crate::metrics::stream::Reader;
    use crate::pipeline::clock;

    let exemplars = ExemplarFilter::AlwaysOn;
    let _session = Session::with(Settings {
        pulled: true,
        exemplars,
        views: vec![View::of("wide").aggregation(Aggregation::exponential())],
        ..Settings::default()
    });
    let meter = Meter::of(&SHOP);
    let shown = [("le", 3.into()), ("pay.by", "card".into())];
    meter.u64_counter("shop.orders").unit("{order}").description("Sold").build().add(3, &shown);
    meter.f64_counter("sent").unit("By").build().add(1.5, &[]);
    meter.i64_up_down_counter("open").build().add(-2, &shown);
    meter.f64_gauge("full").unit("1").build().record(0.5, &[]);
    meter.f64_histogram("wide").build().record(9.0, &shown);
    meter.f64_histogram("one").bounds(&[]).build().record(4.0, &shown);
    let took = meter.f64_histogram("took").unit("s").bounds(&[0.5, 1.0]).build();
    took.record(0.5, &[("a", 1.into())]);
    took.record(7.0, &[("a", 1.into())]);

    let pieces: Vec<_> = show_pieces(1).into_iter().map(|piece| piece.bytes).collect();
    let own = collect::collect(Reader::Pull, clock::now().wall_ns).expect("it runs");
    for accept in ["", OPEN_METRICS] {
        for scope_labels in [false, true] {
            let style = Style { scope_labels, ..style(Translation::default(), accept) };
            let page = |families: &[families::Family]| text::page(&resource(), families, style);
            let expected = page(&families::of(&own, style));
            assert_eq!(page(&handed::with(Vec::new(), &pieces, style)), expected);
            assert!(expected.contains("took_seconds_sum") && expected.contains("wide_count"));
            // Beside the same of our own they are one.
            let both = page(&handed::with(families::of(&own, style), &pieces, style));
            assert_eq!(both.lines().count(), expected.lines().count());
            assert!(
                both.lines()
                    .any(|line| line.starts_with("sent_bytes_total") && line.contains(" 3"))
            );
        }
    }
    let broken = [vec![0x12, 0x05, 0x12, 0x03, 0x3a, 0x7f, 0xff], vec![0xff; 9]];
    let style = style(Translation::default(), "");
    assert_eq!(handed::with(Vec::new(), &broken, style).len(), 0);
}
