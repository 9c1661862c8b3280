//! What stands in the files, also when a disk is full or somebody else writes, too.

use super::{Files, take_back};
use crate::export::{ExportError, Exporter, Request, SignalKind};
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of the test's own, which goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxitel-files-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.0)
            .expect("the folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8"));
        let mut names: Vec<_> = entries.collect();
        names.sort();
        names
    }

    /// The lines of all files of traces, the oldest first.
    fn lines(&self) -> Vec<String> {
        let mut names = self.names();
        // The current one has the shortest name and the newest lines.
        names.sort_by_key(|name| (name == "traces.jsonl", name.clone()));
        let files = names.iter().map(|name| fs::read_to_string(self.0.join(name)).expect("text"));
        files.collect::<String>().lines().map(str::to_owned).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A request whose JSON says `mark`.
fn write(writer: &mut impl Exporter, mark: &str) -> Result<(), ExportError> {
    let schema = [&[0x1a, mark.len() as u8], mark.as_bytes()].concat();
    let head = [0x0a, schema.len() as u8];
    writer.export(&Request::new(SignalKind::Traces, 1, &[&head, &schema]))
}

fn line(mark: &str) -> String {
    format!(r#"{{"resourceSpans":[{{"schemaUrl":"{mark}"}}]}}"#)
}

#[test]
fn each_request_is_a_line_and_each_signal_a_file() {
    let folder = Folder::new();
    let files = Files::new(folder.0.join("deep/er"));
    let mut traces = files.exporter(SignalKind::Traces);
    write(&mut traces, "a").expect("written");
    write(&mut traces, "b").expect("written");
    let mut logs = files.exporter(SignalKind::Logs);
    logs.export(&Request::new(SignalKind::Logs, 0, &[])).expect("written");
    let read = |name: &str| fs::read_to_string(folder.0.join("deep/er").join(name)).expect("text");
    assert_eq!(read("traces.jsonl"), format!("{}\n{}\n", line("a"), line("b")));
    assert_eq!(read("logs.jsonl"), "{}\n");
}

#[cfg(unix)]
#[test]
fn a_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = Folder::new();
    write(&mut Files::new(&folder.0).exporter(SignalKind::Traces), "a").expect("written");
    let mode = fs::metadata(folder.0.join("traces.jsonl")).expect("it is there").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
}

#[test]
fn a_line_that_a_crash_cut_off_spoils_no_other() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).expect("a folder");
    fs::write(folder.0.join("traces.jsonl"), "{\"resourceSpans\":[{\"sch").expect("written");
    write(&mut Files::new(&folder.0).exporter(SignalKind::Traces), "a").expect("written");
    assert_eq!(folder.lines(), ["{\"resourceSpans\":[{\"sch", &line("a")]);
}

#[test]
fn a_file_that_is_large_enough_is_set_aside_and_the_oldest_goes() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).expect("a folder");
    fs::write(folder.0.join("traces-notes-1.jsonl"), "somebody else's\n").expect("written");
    // Two lines fit.
    let limit = 2 * (line("00").len() as u64 + 1);
    let files = Files::new(&folder.0).rotate_at(limit).keep(2);
    let mut writer = files.exporter(SignalKind::Traces);
    for number in 10..19 {
        write(&mut writer, &number.to_string()).expect("written");
    }
    fs::remove_file(folder.0.join("traces-notes-1.jsonl")).expect("it was left alone");
    let expected: Vec<_> = (14..19).map(|number| line(&number.to_string())).collect();
    assert_eq!(folder.lines(), expected, "of four old files two are left, and the current one");
    assert_eq!(folder.names().len(), 3);
}

#[test]
fn the_file_that_was_set_aside_last_is_the_newest_whatever_the_clock_says() {
    let folder = Folder::new();
    let files = Files::new(&folder.0).rotate_at(1).keep(2);
    let mut writer = files.exporter(SignalKind::Traces);
    write(&mut writer, "10").expect("written");
    write(&mut writer, "11").expect("written");
    // As if the clock had gone back by centuries since.
    let [old, _] = <[_; 2]>::try_from(folder.names()).expect("one set aside, and the current one");
    let process = old.rsplit_once('-').expect("time and process").1;
    let ahead = folder.0.join(format!("traces-9795185487123-{process}"));
    fs::rename(folder.0.join(&old), ahead).expect("renamed");
    for number in 12..15 {
        write(&mut writer, &number.to_string()).expect("written");
    }
    let expected: Vec<_> = (12..15).map(|number| line(&number.to_string())).collect();
    assert_eq!(folder.lines(), expected);
}

#[test]
fn a_line_that_is_too_long_for_any_file_is_written_all_the_same() {
    let folder = Folder::new();
    let mut writer = Files::new(&folder.0).rotate_at(1).exporter(SignalKind::Traces);
    for mark in ["a", "b", "c"] {
        write(&mut writer, mark).expect("written");
    }
    assert_eq!(folder.lines(), [line("a"), line("b"), line("c")]);
}

/// Two writers, as two processes have them, and neither loses or mixes a line.
#[test]
fn two_who_write_to_the_same_folder_keep_their_lines() {
    let folder = Folder::new();
    let files = Files::new(&folder.0).rotate_at(2_000).keep(1_000);
    let threads: Vec<_> = ["a", "b"]
        .map(|who| {
            let mut writer = files.exporter(SignalKind::Traces);
            std::thread::spawn(move || {
                for number in 0..500 {
                    write(&mut writer, &format!("{who}{number}")).expect("written");
                }
            })
        })
        .into();
    for thread in threads {
        thread.join().expect("no panic");
    }
    let mut found = folder.lines();
    let mut expected: Vec<_> =
        (0..500).flat_map(|n| ["a", "b"].map(|who| line(&format!("{who}{n}")))).collect();
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_waited_for() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).expect("a folder");
    std::os::unix::fs::symlink("/dev/full", folder.0.join("traces.jsonl")).expect("a link");
    let mut writer = Files::new(&folder.0).exporter(SignalKind::Traces);
    let Err(ExportError::TryAgain { reason, .. }) = write(&mut writer, "a") else {
        panic!("the disk is full")
    };
    assert!(reason.contains("traces.jsonl: No space left on device"), "{reason}");
    fs::remove_file(folder.0.join("traces.jsonl")).expect("the link");
    write(&mut writer, "a").expect("there is room");
    assert_eq!(folder.lines(), [line("a")]);
}

#[test]
fn a_folder_that_cannot_be_is_said() {
    let folder = Folder::new();
    fs::write(&folder.0, "a file").expect("written");
    let outcome = write(&mut Files::new(folder.0.join("in it")).exporter(SignalKind::Traces), "a");
    let _ = fs::remove_file(&folder.0);
    let Err(ExportError::TryAgain { reason, .. }) = outcome else { panic!("no folder") };
    assert!(reason.contains("in it/traces.jsonl: "), "{reason}");
}

#[test]
fn a_file_that_somebody_removed_is_begun_again() {
    let folder = Folder::new();
    let mut writer = Files::new(&folder.0).exporter(SignalKind::Traces);
    write(&mut writer, "a").expect("written");
    fs::remove_file(folder.0.join("traces.jsonl")).expect("it is there");
    write(&mut writer, "b").expect("written");
    assert_eq!(folder.lines(), [line("b")]);
}

#[test]
fn a_line_of_another_program_is_not_continued() {
    let folder = Folder::new();
    let path = folder.0.join("traces.jsonl");
    write(&mut Files::new(&folder.0).exporter(SignalKind::Traces), "a").expect("written");
    let mut other = OpenOptions::new().append(true).open(Path::new(&path)).expect("the file");
    other.write_all(b"cut off").expect("written");
    write(&mut Files::new(&folder.0).exporter(SignalKind::Traces), "b").expect("written");
    assert_eq!(folder.lines(), [line("a"), "cut off".to_owned(), line("b")]);
}

#[test]
fn what_a_full_disk_took_of_a_line_goes_unless_somebody_wrote_behind_it() {
    let folder = Folder::new();
    fs::create_dir_all(&folder.0).expect("a folder");
    let path = folder.0.join("traces.jsonl");
    for (content, left) in [("old\npar", "old\n"), ("old\npara\n", "old\npara\n")] {
        fs::write(&path, content).expect("written");
        let file = OpenOptions::new().append(true).open(&path).expect("the file");
        take_back(&file, 4, 3).expect("its end is known");
        assert_eq!(fs::read_to_string(&path).expect("text"), left);
    }
}
