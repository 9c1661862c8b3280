//! The command line.

use std::net::{Ipv4Addr, SocketAddr};
use std::str::FromStr;

use anyhow::{Context as _, bail};
use hyper::Uri;

pub(crate) const USAGE: &str = "\
first-light receiver [--http ADDRESS]...
    Receives OTLP; GET /summary tells what came, GET /tree shows the latest complete trace.
first-light back [--listen ADDRESS]
    Keeps the stock and reserves from it.
first-light front --back URL [--orders NUMBER] [--rate PER_SECOND]
    Sends orders: NUMBER of them, or until it is stopped.
All addresses are 127.0.0.1 and a free port when nothing else is said. Telemetry is configured
by the OTEL_* variables.
";

/// What the program is to be.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    Help,
    Receiver { addresses: Vec<SocketAddr> },
    Back { address: SocketAddr },
    Front { back: Uri, orders: Option<u64>, rate: f64 },
}

impl Command {
    pub(crate) fn parse(arguments: impl IntoIterator<Item = String>) -> anyhow::Result<Command> {
        let mut arguments = arguments.into_iter();
        let word = arguments.next().unwrap_or_default();
        let options = Options::parse(arguments)?;
        match word.as_str() {
            "" | "help" | "--help" => Ok(Command::Help),
            "receiver" => receiver(&options),
            "back" => back(&options),
            "front" => front(&options),
            other => bail!("there is no command {other:?}"),
        }
    }
}

const FREE_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

fn receiver(options: &Options) -> anyhow::Result<Command> {
    options.only(&["--http"])?;
    let mut addresses = options.all("--http")?;
    if addresses.is_empty() {
        addresses.push(FREE_PORT);
    }
    Ok(Command::Receiver { addresses })
}

fn back(options: &Options) -> anyhow::Result<Command> {
    options.only(&["--listen"])?;
    Ok(Command::Back { address: options.last("--listen")?.unwrap_or(FREE_PORT) })
}

fn front(options: &Options) -> anyhow::Result<Command> {
    options.only(&["--back", "--orders", "--rate"])?;
    let back: Uri = options.last("--back")?.context("front needs --back URL")?;
    if back.scheme_str() != Some("http") || back.authority().is_none() {
        bail!("--back {:?} is no address such as \"http://127.0.0.1:8080\"", back.to_string());
    }
    let rate = options.last("--rate")?.unwrap_or(1.0);
    if !(0.001..=1_000_000.0).contains(&rate) {
        bail!("--rate {rate} is not between 0.001 and 1000000 orders a second");
    }
    Ok(Command::Front { back, orders: options.last("--orders")?, rate })
}

/// `--name value` pairs in the order they came.
struct Options(Vec<(String, String)>);

impl Options {
    fn parse(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<Options> {
        let mut options = Vec::new();
        while let Some(name) = arguments.next() {
            let value = arguments.next().with_context(|| format!("{name:?} needs a value"))?;
            options.push((name, value));
        }
        Ok(Options(options))
    }

    fn only(&self, known: &[&str]) -> anyhow::Result<()> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => bail!("{name:?} is not understood here, only {known:?}"),
            None => Ok(()),
        }
    }

    fn all<T>(&self, name: &str) -> anyhow::Result<Vec<T>>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        let values = self.0.iter().filter(|(other, _)| other == name);
        values
            .map(|(_, value)| value.parse().with_context(|| format!("{name} {value:?}")))
            .collect()
    }

    fn last<T>(&self, name: &str) -> anyhow::Result<Option<T>>
    where
        T: FromStr<Err: std::error::Error + Send + Sync + 'static>,
    {
        Ok(self.all(name)?.pop())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> anyhow::Result<Command> {
        Command::parse(line.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn each_command_takes_its_options() {
        let address = |text: &str| text.parse().expect("an address");
        let commands = [
            ("", Command::Help),
            ("receiver", Command::Receiver { addresses: vec![FREE_PORT] }),
            (
                "receiver --http 127.0.0.1:1 --http [::1]:1",
                Command::Receiver { addresses: vec![address("127.0.0.1:1"), address("[::1]:1")] },
            ),
            ("back --listen 127.0.0.1:2", Command::Back { address: address("127.0.0.1:2") }),
            (
                "front --back http://127.0.0.1:2 --orders 3 --rate 0.5",
                Command::Front {
                    back: Uri::from_static("http://127.0.0.1:2"),
                    orders: Some(3),
                    rate: 0.5,
                },
            ),
        ];
        for (line, command) in commands {
            assert_eq!(parse(line).expect(line), command);
        }
    }

    #[test]
    fn what_is_not_understood_is_quoted() {
        let lines = [
            "middle",
            "back --listen",
            "back --back x",
            "back --listen here",
            "front",
            "front --back 127.0.0.1:2",
            "front --back http://127.0.0.1:2 --rate 0",
            "front --back http://127.0.0.1:2 --orders -1",
        ];
        let errors = lines.map(|line| format!("{:#}\n", parse(line).expect_err(line)));
        insta::assert_snapshot!(errors.concat(), @r#"
        there is no command "middle"
        "--listen" needs a value
        "--back" is not understood here, only ["--listen"]
        --listen "here": invalid socket address syntax
        front needs --back URL
        --back "127.0.0.1:2" is no address such as "http://127.0.0.1:8080"
        --rate 0 is not between 0.001 and 1000000 orders a second
        --orders "-1": invalid digit found in string
        "#);
    }
}
