//! The evidence of a full run: one page with the table and the output behind each line.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context;

use super::{List, Shown};
use crate::cargo;

const FOLDER: &str = "docs/evidence";
/// Of a longer output only the end is kept.
const KEPT_LINES: usize = 60;

/// Writes the page and returns its name.
pub(super) fn write(root: &Path, list: &List, shown: &[Shown]) -> anyhow::Result<String> {
    let name = format!("{FOLDER}/{}.md", list.name);
    let page = page(list.title, &circumstances(root)?, shown)?;
    fs::create_dir_all(root.join(FOLDER)).context(FOLDER)?;
    fs::write(root.join(&name), without_folders(&page, root)).with_context(|| name.clone())?;
    Ok(name)
}

/// When, of what, and on what kind of machine.
fn circumstances(root: &Path) -> anyhow::Result<String> {
    let mut git = Command::new("git");
    let commit = cargo::output(git.current_dir(root).args(["log", "-1", "--format=%h of %cs"]))?;
    let rust = cargo::output(Command::new("rustc").arg("--version"))?;
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(format!("Commit {}, {}, {cores} cores.", commit.trim(), rust.trim()))
}

fn page(title: &str, circumstances: &str, shown: &[Shown]) -> anyhow::Result<String> {
    let mut page = format!("# {title}\n\n{circumstances}\n\n");
    page.push_str("| | done | expected | seen | seconds |\n|---|---|---|---|---|\n");
    for Shown { promise, seen, seconds } in shown {
        let mark = if seen.good { "✓" } else { "✗" };
        let said = seen.said.replace('|', "\\|").replace('\n', " ");
        let (done, expected) = (promise.done, promise.expected);
        writeln!(page, "| {mark} | {done} | {expected} | {said} | {seconds:.1} |")?;
    }
    for Shown { promise, seen, .. } in shown.iter().filter(|shown| !shown.seen.output.is_empty()) {
        write!(page, "\n## {}\n\n```text\n{}\n```\n", promise.done, end_of(&seen.output))?;
    }
    Ok(page)
}

fn end_of(output: &str) -> String {
    let lines: Vec<&str> = output.trim_end().lines().collect();
    match lines.len().checked_sub(KEPT_LINES) {
        None | Some(0) => lines.join("\n"),
        Some(left_out) => {
            format!("… {left_out} lines before\n{}", lines[left_out..].join("\n"))
        }
    }
}

/// Where somebody keeps a checkout, builds and home is nobody's business.
fn without_folders(page: &str, root: &Path) -> String {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let folders = [
        (variable("CARGO_TARGET_DIR"), "target"),
        (Some(root.display().to_string()), "."),
        (Some(std::env::temp_dir().display().to_string()), "TEMP"),
        (variable("HOME").filter(|home| home != "/"), "~"),
    ];
    folders.into_iter().fold(page.to_owned(), |page, (folder, name)| match folder {
        Some(folder) => page.replace(&folder, name),
        None => page,
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Promise, Seen};
    use super::*;

    fn promise() -> Promise {
        Promise {
            done: "`cargo xtask up`",
            expected: "a trace",
            only_full: false,
            see: |_| anyhow::bail!("is not asked here"),
        }
    }

    #[test]
    fn the_page_has_the_table_and_the_output_behind_it() {
        let seen = Seen { good: true, said: "a | trace".to_owned(), output: "line\n".to_owned() };
        let promise = promise();
        let shown = [Shown { promise: &promise, seen, seconds: 1.25 }];
        assert_eq!(
            page("First", "Commit x.", &shown).unwrap(),
            "# First\n\nCommit x.\n\n\
             | | done | expected | seen | seconds |\n|---|---|---|---|---|\n\
             | ✓ | `cargo xtask up` | a trace | a \\| trace | 1.2 |\n\n\
             ## `cargo xtask up`\n\n```text\nline\n```\n"
        );
    }

    #[test]
    fn of_a_long_output_the_end_is_kept() {
        let lines: Vec<String> = (0..KEPT_LINES + 2).map(|number| number.to_string()).collect();
        let end = end_of(&lines.join("\n"));
        assert!(end.starts_with("… 2 lines before\n2\n"), "{end}");
        assert!(end.ends_with("\n61"), "{end}");
    }

    #[test]
    fn folders_of_the_machine_are_left_out() {
        let page = without_folders("in /home/me/code/xtask", Path::new("/home/me/code"));
        assert_eq!(page, "in ./xtask");
    }
}
