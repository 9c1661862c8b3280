//! The container, by the cgroup's path (version 1), or by what is mounted from the container's
//! directory (version 2, where the path is not told).

use super::{Found, Surroundings, is_hex};

pub(super) fn detect(surroundings: &Surroundings<'_>) -> Found {
    vec![("container.id", id(surroundings))]
}

pub(super) fn id(surroundings: &Surroundings<'_>) -> Option<String> {
    let read = |file| surroundings.read(file).unwrap_or_default();
    let find =
        || in_cgroup(&read("proc/self/cgroup")).or_else(|| in_mounts(&read("proc/self/mountinfo")));
    surroundings.container_id.get_or_init(find).clone()
}

/// The innermost part of a path that is an id: `docker-<id>.scope`, `cri-containerd:<id>`, `<id>`.
fn in_cgroup(cgroup: &str) -> Option<String> {
    let paths = cgroup.lines().filter_map(|line| line.splitn(3, ':').nth(2));
    paths.flat_map(|path| path.rsplit('/')).find_map(|part| {
        let part = part.strip_suffix(".scope").unwrap_or(part);
        // The monitor of a container is none.
        let part = if part.contains("-conmon-") { "" } else { part };
        part.rsplit([':', '-']).next().filter(|id| is_id(id)).map(str::to_owned)
    })
}

/// Docker and Podman mount `…/containers/<id>/hostname` and its neighbours into the container.
/// A directory of `sandboxes` belongs to the pod.
fn in_mounts(mounts: &str) -> Option<String> {
    let is_directory = |part: &str| ["containers", "overlay-containers"].contains(&part);
    roots(mounts).find_map(|root| {
        let mut pairs = root.split('/').zip(root.split('/').skip(1));
        let (_, id) = pairs.find(|(part, next)| is_directory(part) && is_id(next))?;
        Some(id.to_owned())
    })
}

/// What of its file system each mount shows.
pub(super) fn roots(mounts: &str) -> impl Iterator<Item = &str> {
    mounts.lines().filter_map(|line| line.split(' ').nth(3))
}

fn is_id(part: &str) -> bool {
    part.len() == 64 && is_hex(part)
}
