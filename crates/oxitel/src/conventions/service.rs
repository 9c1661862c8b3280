//! What the processes of a system are called: the values of `service.name`.

/// Takes requests from outside.
pub const GATEWAY: &str = "gateway";
/// Carries requests between nodes.
pub const ROUTER: &str = "router";
/// Keeps the state of objects.
pub const ODGM: &str = "odgm";
/// Manages packages.
pub const PM: &str = "pm";
/// Deploys classes.
pub const CRM: &str = "crm";
/// Processes streams of events.
pub const PROCESSOR: &str = "processor";

/// The processes that have one name everywhere.
pub const ALL: &[&str] = &[GATEWAY, ROUTER, ODGM, PM, CRM, PROCESSOR];

/// A container that is deployed for a class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Container {
    /// Runs the only function of the class.
    Function,
    /// Runs one of several functions, by its place among them.
    FunctionOf(usize),
    /// Keeps the state of the class's objects.
    Odgm,
}

/// The name of a class's container: `{class}-fn`, `{class}-fn-{place}`, `{class}-odgm`.
///
/// ```
/// use oxitel::conventions::service::{Container, of_class};
///
/// assert_eq!(of_class("hello-class", Container::Function), "hello-class-fn");
/// assert_eq!(of_class("hello-class", Container::FunctionOf(1)), "hello-class-fn-1");
/// assert_eq!(of_class("hello-class", Container::Odgm), "hello-class-odgm");
/// ```
pub fn of_class(class: &str, container: Container) -> String {
    match container {
        Container::Function => format!("{class}-fn"),
        Container::FunctionOf(place) => format!("{class}-fn-{place}"),
        Container::Odgm => format!("{class}-odgm"),
    }
}
