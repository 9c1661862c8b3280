//! What an error or a panic is called.

use std::any::Any;
use std::error::Error;
use std::io;

type Boxed = Box<dyn Error + Send + Sync>;

/// A word for the kind of an error, of which there are few: that of the I/O error behind it,
/// else the name of its type.
pub(super) fn kind<E: 'static>(error: &E) -> String {
    let io_error = as_error(error).and_then(io_kind);
    io_error.unwrap_or_else(|| std::any::type_name::<E>().to_owned())
}

/// As [`kind`], of an error whose type is known to be one.
pub(super) fn kind_of_error<E: Error + 'static>(error: &E) -> String {
    io_kind(error).unwrap_or_else(|| std::any::type_name::<E>().to_owned())
}

/// Services have errors that are none to the compiler (`Box<dyn Error>`), so a bound would
/// exclude what is most common; those worth asking are known by name.
fn as_error<E: 'static>(error: &E) -> Option<&(dyn Error + 'static)> {
    let any: &dyn Any = error;
    if let Some(boxed) = any.downcast_ref::<Boxed>() {
        return Some(&**boxed);
    }
    if let Some(client) = any.downcast_ref::<hyper_util::client::legacy::Error>() {
        return Some(client);
    }
    if let Some(hyper) = any.downcast_ref::<hyper::Error>() {
        return Some(hyper);
    }
    any.downcast_ref::<io::Error>().map(|error| error as &(dyn Error + 'static))
}

/// `connection_refused` and the like, of the first I/O error in the chain.
fn io_kind(error: &(dyn Error + 'static)) -> Option<String> {
    let mut next = Some(error);
    // A chain of errors is the program's: it may be a circle.
    for _ in 0..32 {
        let error = next?;
        if let Some(io_error) = error.downcast_ref::<io::Error>()
            && io_error.kind() != io::ErrorKind::Other
        {
            return Some(io_error.kind().to_string().replace(' ', "_"));
        }
        next = error.source();
    }
    None
}

/// What a panic said, if it said it as text.
pub(super) fn panic_text(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<&str>().copied();
    text.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fmt;

    #[derive(Debug)]
    struct Wrapping(io::Error);

    impl fmt::Display for Wrapping {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("wrapping")
        }
    }

    impl Error for Wrapping {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            Some(&self.0)
        }
    }

    #[test]
    fn an_error_is_called_after_the_io_error_behind_it_or_its_type() {
        let refused = || io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(kind(&refused()), "connection_refused");
        let boxed: Boxed = Box::new(Wrapping(refused()));
        assert_eq!(kind(&boxed), "connection_refused");
        assert_eq!(kind_of_error(&Wrapping(io::ErrorKind::TimedOut.into())), "timed_out");
        let other: Boxed = "a text".into();
        assert_eq!(kind(&other), std::any::type_name::<Boxed>());
        assert!(kind(&fmt::Error).ends_with("fmt::Error"));
    }

    #[test]
    fn a_panic_says_what_it_says() {
        assert_eq!(panic_text(&"text"), "text");
        assert_eq!(panic_text(&"owned".to_owned()), "owned");
        assert_eq!(panic_text(&7_i32), "");
    }
}
