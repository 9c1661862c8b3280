//! The later stages, built one after the other while the first one works.

use std::collections::VecDeque;

use super::child::Errors;
use super::fleet::Fleet;
use super::stage::Stage;

/// The stages that are still to come.
pub(super) struct Background<'a> {
    stages: VecDeque<&'a Stage>,
    /// The builds of the first of them that were not started yet.
    builds: VecDeque<&'static [&'static str]>,
    running: Option<usize>,
}

impl<'a> Background<'a> {
    pub(super) fn new(stages: &[&'a Stage]) -> Background<'a> {
        let mut background = Background {
            stages: stages.iter().copied().collect(),
            builds: VecDeque::new(),
            running: None,
        };
        background.take_builds();
        background
    }

    /// Goes on with the builds; returns a stage when all of its builds are done. A stage with a
    /// build that failed is left out: the table shows it.
    pub(super) fn step(&mut self, fleet: &mut Fleet) -> anyhow::Result<Option<&'a Stage>> {
        let Some(&stage) = self.stages.front() else { return Ok(None) };
        if let Some(build) = self.running {
            if !fleet.process(build).is_over() {
                return Ok(None);
            }
            self.running = None;
            if !fleet.process(build).succeeded() {
                self.next_stage();
                return Ok(None);
            }
        }
        if let Some(build) = self.builds.pop_front() {
            self.running = Some(fleet.start_build(stage.name, build, Errors::Kept)?);
            return Ok(None);
        }
        self.next_stage();
        Ok(Some(stage))
    }

    fn next_stage(&mut self) {
        self.stages.pop_front();
        self.take_builds();
    }

    fn take_builds(&mut self) {
        let builds = self.stages.front().map_or::<&[_], _>(&[], |stage| stage.builds);
        self.builds = builds.iter().copied().collect();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::{Duration, Instant};

    use super::*;

    const GOOD: Stage = Stage {
        name: "good",
        brings: "",
        builds: &[&["check", "-h"], &["check", "-h"]],
        start: |_, _| Ok(()),
        verify: |_| Ok(()),
    };
    const BAD: Stage =
        Stage { name: "bad", builds: &[&["no-such-word"], &["check", "-h"]], ..GOOD };

    #[test]
    fn a_stage_comes_when_all_its_builds_are_done_and_not_when_one_failed() {
        let mut fleet = Fleet::new(Path::new("."));
        let mut background = Background::new(&[&BAD, &GOOD]);
        let deadline = Instant::now() + Duration::from_secs(30);
        let mut ready = None;
        while ready.is_none() && Instant::now() < deadline {
            fleet.pump(Duration::from_millis(10));
            ready = background.step(&mut fleet).unwrap().map(|stage| stage.name);
        }
        assert_eq!(ready, Some("good"));
        let ended: Vec<_> =
            fleet.processes().map(|build| (build.name(), build.succeeded())).collect();
        assert_eq!(ended, [("bad", false), ("good", true), ("good", true)]);
        assert!(background.step(&mut fleet).unwrap().is_none());
    }
}
