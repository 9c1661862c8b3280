//! Recording metrics by name.

use super::instruments;
use opentelemetry::metrics::SyncInstrument as _;
use opentelemetry::{Key, KeyValue, Value};

/// Records metrics by their names, with attributes that all of them have.
///
/// ```
/// use processor::OtelKeyValue;
/// use processor::telemetry::{MetricsRecorder, metric_attributes, metric_names};
///
/// let recorder = MetricsRecorder::new().with_attribute("service", "processor");
/// recorder.record_counter(
///     "processor",
///     metric_names::EVENTS_PROCESSED,
///     1,
///     vec![OtelKeyValue::new(metric_attributes::EVENT_TYPE, "metric")],
/// );
/// ```
///
/// Make one and keep it, or make as many as there are common attributes: instruments belong to
/// none of them. Each is made with the first recording of its name, and found again without a
/// lock. Names of [`metric_names`](super::metric_names) bring their units along; others have none.
///
/// What is recorded while no telemetry runs is not kept. A name that cannot be one, a name that
/// stands for two kinds, and a value that would spoil a sum are told on standard error, and are no
/// panic.
#[derive(Clone, Debug, Default)]
pub struct MetricsRecorder {
    attributes: Vec<KeyValue>,
}

impl MetricsRecorder {
    /// Without common attributes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an attribute to every point; of two values of one key the last counts.
    #[must_use]
    pub fn with_attribute(mut self, key: impl Into<Key>, value: impl Into<Value>) -> Self {
        let attribute = KeyValue::new(key, value);
        self.attributes.retain(|known| known.key != attribute.key);
        self.attributes.push(attribute);
        self
    }

    /// Adds to a counter, which only grows. `meter` names who records, such as `processor`.
    ///
    /// An attribute that is given here wins over the common one of its key.
    pub fn record_counter(&self, meter: &str, name: &str, value: u64, attributes: Vec<KeyValue>) {
        let attributes = self.all(attributes);
        instruments::counter(meter, name).measure(value, &attributes);
    }

    /// Counts a value in a distribution: a duration in milliseconds, a size.
    ///
    /// An attribute that is given here wins over the common one of its key.
    pub fn record_histogram(&self, meter: &str, name: &str, value: f64, attributes: Vec<KeyValue>) {
        let attributes = self.all(attributes);
        instruments::histogram(meter, name).measure(value, &attributes);
    }

    /// Sets a value, of which the last one counts: a lag, a level.
    ///
    /// An attribute that is given here wins over the common one of its key.
    pub fn record_gauge(&self, meter: &str, name: &str, value: i64, attributes: Vec<KeyValue>) {
        let attributes = self.all(attributes);
        instruments::gauge(meter, name).measure(value, &attributes);
    }

    /// These attributes, and the common ones that are not among them.
    fn all(&self, mut attributes: Vec<KeyValue>) -> Vec<KeyValue> {
        let given = attributes.len();
        attributes.reserve_exact(self.attributes.len());
        for common in &self.attributes {
            if attributes[..given].iter().all(|own| own.key != common.key) {
                attributes.push(common.clone());
            }
        }
        attributes
    }
}
