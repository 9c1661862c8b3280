//! The versions that were measured: those of the lock file this program was built with.

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of a crate.
pub(crate) fn version(package: &str) -> Option<&'static str> {
    let mut lines = LOCK.lines();
    let name = format!("name = {package:?}");
    lines.find(|line| *line == name)?;
    lines.next()?.strip_prefix("version = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::version;
    use crate::engine::Case;

    #[test]
    fn every_candidate_has_a_version() {
        for candidate in Case::ALL.into_iter().flat_map(Case::candidates) {
            let version = version(candidate.package()).expect("it is in the lock file");
            assert_eq!(version.split('.').count(), 3, "{version}");
        }
        assert_eq!(version("no such crate"), None);
    }
}
