//! The pod, as far as it knows itself: variables that the downward API fills, the service
//! account's namespace, and what the kubelet mounts. The API server is not asked.

use super::container::roots;
use super::{Found, Surroundings, is_hex};

pub(super) fn detect(surroundings: &Surroundings<'_>) -> Found {
    if !is_here(surroundings) {
        return Vec::new();
    }
    let mounts = surroundings.read("proc/self/mountinfo").unwrap_or_default();
    let cgroup = surroundings.read("proc/self/cgroup").unwrap_or_default();
    let variable = |names: &[&str]| surroundings.first_variable(names);
    let namespace = variable(&["K8S_NAMESPACE_NAME", "K8S_NAMESPACE", "POD_NAMESPACE"]);
    let uid = variable(&["K8S_POD_UID", "POD_UID"]);
    let uid = uid.or_else(|| roots(&mounts).find_map(uid_in_mount));
    let container = variable(&["K8S_CONTAINER_NAME", "CONTAINER_NAME"]);
    vec![
        ("k8s.cluster.name", variable(&["K8S_CLUSTER_NAME"])),
        ("k8s.namespace.name", namespace.or_else(|| surroundings.first_line_of(&[NAMESPACE]))),
        ("k8s.node.name", variable(&["K8S_NODE_NAME", "NODE_NAME"])),
        ("k8s.pod.name", variable(&["K8S_POD_NAME", "POD_NAME"])),
        ("k8s.pod.uid", uid.or_else(|| uid_in_cgroup(&cgroup))),
        ("k8s.container.name", container.or_else(|| roots(&mounts).find_map(container_in_mount))),
    ]
}

pub(super) fn is_here(surroundings: &Surroundings<'_>) -> bool {
    surroundings.first_variable(&["KUBERNETES_SERVICE_HOST"]).is_some()
        || surroundings.root.join(NAMESPACE).is_file()
}

const NAMESPACE: &str = "var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// `…/pods/<uid>/etc-hosts`, and others.
fn uid_in_mount(root: &str) -> Option<String> {
    let mut parts = root.split('/');
    parts.find(|part| *part == "pods")?;
    parts.next().filter(|uid| is_uid(uid)).map(str::to_owned)
}

/// `…/pods/<uid>/containers/<name>/<file>`, mounted as the termination log.
fn container_in_mount(root: &str) -> Option<String> {
    let mut parts = root.split('/');
    parts.find(|part| *part == "pods")?;
    let (uid, directory, name) = (parts.next()?, parts.next()?, parts.next()?);
    (is_uid(uid) && directory == "containers").then(|| name.to_owned())
}

/// `…/pod<uid>/…`, or `…-pod<uid>.slice/…` with underscores for dashes.
fn uid_in_cgroup(cgroup: &str) -> Option<String> {
    cgroup.lines().flat_map(|line| line.split(['/', ':'])).find_map(|part| {
        let part = part.strip_suffix(".slice").unwrap_or(part);
        let (_, uid) = part.rsplit_once("pod")?;
        let uid = uid.replace('_', "-");
        is_uid(&uid).then_some(uid)
    })
}

/// A UUID; for pods that the kubelet starts by itself, a hash.
fn is_uid(text: &str) -> bool {
    let digits = text.replace('-', "");
    digits.len() == 32 && is_hex(&digits) && [32, 36].contains(&text.len())
}
