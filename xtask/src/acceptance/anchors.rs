//! Does `FILE.md#heading` exist? Headings get the anchors that GitHub gives them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Says what is wrong with `target`, a place in a document under `root`.
pub(super) fn verify(root: &Path, target: &str) -> Result<(), String> {
    let Some((file, anchor)) = target.split_once('#').filter(|(_, anchor)| !anchor.is_empty())
    else {
        return Err("names no heading; write `FILE.md#heading`".to_owned());
    };
    let text = fs::read_to_string(root.join(file))
        .map_err(|error| format!("cannot be read: {error}; write the decision down there"))?;
    if anchors(&text).any(|known| known == anchor) {
        return Ok(());
    }
    Err(format!("has no such heading in {file}; write the decision down or correct the anchor"))
}

fn anchors(markdown: &str) -> impl Iterator<Item = String> {
    let mut fence = None;
    let mut uses = BTreeMap::new();
    markdown.lines().filter_map(move |line| {
        let line = line.trim_end();
        if let Some(mark) = fence_mark(line) {
            fence = match fence {
                None => Some(mark),
                Some(open) if open == mark => None,
                open => open,
            };
            return None;
        }
        let heading = line.trim_start_matches('#').strip_prefix(' ')?;
        (fence.is_none() && line.starts_with('#')).then(|| numbered(slug(heading), &mut uses))
    })
}

fn fence_mark(line: &str) -> Option<&'static str> {
    let line = line.trim_start();
    ["```", "~~~"].into_iter().find(|mark| line.starts_with(mark))
}

fn slug(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|letter| match letter {
        ' ' => Some('-'),
        '-' | '_' => Some(letter),
        _ => letter.is_alphanumeric().then_some(letter),
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// The second heading of the same words gets `-1`, the third `-2`.
fn numbered(slug: String, uses: &mut BTreeMap<String, u32>) -> String {
    let count = uses.entry(slug.clone()).or_default();
    *count += 1;
    match *count {
        1 => slug,
        count => format!("{slug}-{}", count - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scratch::Scratch;
    use super::*;

    #[test]
    fn headings_become_the_anchors_that_github_shows() {
        let text =
            "# One `tracing` layer, two APIs\n## Logs\n```sh\n# no heading\n```\n## Logs\n#no\n";
        let found: Vec<String> = anchors(text).collect();
        assert_eq!(found, ["one-tracing-layer-two-apis", "logs", "logs-1"]);
    }

    #[test]
    fn a_missing_file_or_heading_is_told_apart() {
        let root = Scratch::new().file("docs/a.md", "## Logs\n");
        assert_eq!(verify(root.path(), "docs/a.md#logs"), Ok(()));
        let heading = verify(root.path(), "docs/a.md#metrics").expect_err("no such heading");
        assert!(heading.contains("no such heading in docs/a.md"), "{heading}");
        let file = verify(root.path(), "docs/b.md#logs").expect_err("no such file");
        assert!(file.starts_with("cannot be read"), "{file}");
        assert!(verify(root.path(), "docs/a.md").is_err());
    }
}
