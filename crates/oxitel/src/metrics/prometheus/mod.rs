//! Metrics as text for Prometheus: the text format 0.0.4 and `OpenMetrics` 1.0.
//!
//! Flow: `collect` (cumulative) -> **families** -> text. `names` and `units` make names of names,
//! `labels` labels of attributes, `negotiate` reads what the scraper accepts, `handed` are metrics of other extensions. `served` is the page
//! for whoever serves it, `answer` the same over HTTP, `serve` our own port.

mod answer;
mod error;
mod families;
#[cfg(feature = "python")]
mod handed;
mod labels;
mod names;
mod negotiate;
mod serve;
mod served;
mod text;
mod translation;
mod units;

#[cfg(all(test, feature = "testing"))]
mod tests;

use super::collect;
use super::stream::Reader;
use crate::pipeline::clock;
#[cfg(feature = "middleware")]
pub(crate) use answer::answer;
pub use error::PageError;
use negotiate::Answer;
pub(crate) use serve::serve;
pub use served::PrometheusPage;
pub(crate) use served::Served;
pub use translation::Translation;

impl Translation {
    fn has_suffixes(self) -> bool {
        matches!(self, Self::UnderscoreEscapingWithSuffixes | Self::NoUtf8EscapingWithSuffixes)
    }

    fn escapes(self) -> bool {
        matches!(
            self,
            Self::UnderscoreEscapingWithSuffixes | Self::UnderscoreEscapingWithoutSuffixes
        )
    }
}

/// How a page is written.
#[derive(Clone, Copy, Debug)]
struct Style {
    translation: Translation,
    /// Whether each point says which scope it is of.
    scope_labels: bool,
    answer: Answer,
}

/// The page that a scraper gets; `resource` are the encoded attributes of the resource, as
/// `Resource.attributes` fields.
fn page(resource: &[u8], style: Style) -> String {
    let collected = collect::collect(Reader::Pull, clock::now().wall_ns);
    let families = collected.map_or_else(Vec::new, |it| families::of(&it, style));
    #[cfg(feature = "python")]
    let families = handed::with(families, &crate::join::guests::show_metrics(), style);
    text::page(resource, &families, style)
}
