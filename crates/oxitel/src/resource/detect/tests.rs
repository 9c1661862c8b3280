//! Samples of real systems, laid out below a directory.

use super::{Detected, Surroundings};
use crate::config::Detector;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A file system of its own, gone with the value.
struct Root(PathBuf);

impl Root {
    fn with(files: &[(&str, &str)]) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxitel-detect-{}-{number}", std::process::id());
        let root = Self(std::env::temp_dir().join(name));
        fs::create_dir_all(&root.0).expect("a directory");
        for (file, text) in files {
            let path = root.0.join(file);
            fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs::write(path, text).expect("a file");
        }
        root
    }

    fn found(&self, detectors: &[Detector], variables: &[(&str, &str)]) -> Detected {
        let variable = |name: &str| {
            let found = variables.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let surroundings = Surroundings {
            root: &self.0,
            variable: &variable,
            executable: Some(PathBuf::from("/srv/shop")),
            command: Some("./shop".to_owned()),
            container_id: std::cell::OnceCell::new(),
        };
        surroundings.detect(detectors)
    }

    /// One line each.
    fn text(&self, detectors: &[Detector], variables: &[(&str, &str)]) -> String {
        let lines = self.found(detectors, variables).attributes.into_iter();
        lines.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            eprintln!("{}: {error}", self.0.display());
        }
    }
}

const ID: &str = "4c2ab1f9d0e37a58b6c1d2e3f4051627384950a1b2c3d4e5f60718293a4b5c6d";
const POD: &str = "0a1b2c3d-1111-2222-3333-444455556666";

fn container(cgroup: &str, mounts: &str) -> String {
    let root = Root::with(&[("proc/self/cgroup", cgroup), ("proc/self/mountinfo", mounts)]);
    root.text(&[Detector::Container], &[])
}

#[test]
fn a_container_is_known_by_its_cgroup() {
    let pod = POD.replace('-', "_");
    for path in [
        format!("/docker/{ID}"),
        format!("/system.slice/docker-{ID}.scope"),
        format!("/machine.slice/libpod-{ID}.scope/container"),
        format!("/kubepods/besteffort/pod{POD}/{ID}"),
        format!("/kubepods.slice/kubepods-burstable-pod{pod}.slice/crio-{ID}.scope"),
        format!("/system.slice/containerd.service/kubepods-pod{pod}.slice:cri-containerd:{ID}"),
        format!("/docker/{}/docker/{ID}", ID.replace('4', "5")),
    ] {
        let found = container(&format!("12:pids:{path}\n1:name=systemd:{path}\n"), "");
        assert_eq!(found, format!("container.id={ID}"), "{path}");
    }
    for path in ["/", "/../..", "/user.slice/user-1000.slice", "/init.scope", "no path"] {
        assert_eq!(container(&format!("0::{path}\n"), ""), "", "{path}");
    }
    let monitor = format!("0::/machine.slice/libpod-conmon-{ID}.scope\n");
    assert_eq!(container(&monitor, ""), "");
}

#[test]
fn a_container_whose_cgroup_is_hidden_is_known_by_its_mounts() {
    let line =
        |root: &str, at: &str| format!("583 570 8:1 {root} {at} rw,relatime - ext4 /dev/sda1 rw\n");
    let docker = line(&format!("/var/lib/docker/containers/{ID}/hostname"), "/etc/hostname");
    assert_eq!(container("0::/\n", &docker), format!("container.id={ID}"));
    let podman = format!("/containers/storage/overlay-containers/{ID}/userdata/hosts");
    let podman = line(&podman, "/etc/hosts");
    assert_eq!(container("0::/\n", &podman), format!("container.id={ID}"));
    let sandbox = format!("/var/lib/containerd/io.containerd.grpc.v1.cri/sandboxes/{ID}/hostname");
    assert_eq!(container("0::/\n", &line(&sandbox, "/etc/hostname")), "", "it is the pod's");
    assert_eq!(container("0::/\n", "not\na mountinfo \u{fffd}\n"), "");
}

#[test]
fn a_pod_knows_itself_by_variables_the_service_account_and_its_mounts() {
    let mounts = format!(
        "1 2 8:1 /var/lib/kubelet/pods/{POD}/etc-hosts /etc/hosts rw - ext4 /dev/sda1 rw\n\
         1 2 8:1 /var/lib/kubelet/pods/{POD}/containers/shop/3d4e5f60 /dev/termination-log rw\n"
    );
    let account = ("var/run/secrets/kubernetes.io/serviceaccount/namespace", "shops\n");
    let root = Root::with(&[account, ("proc/self/mountinfo", &mounts)]);
    insta::assert_snapshot!(root.text(&[Detector::Kubernetes], &[]), @r"
    k8s.namespace.name=shops
    k8s.pod.uid=0a1b2c3d-1111-2222-3333-444455556666
    k8s.container.name=shop
    ");
    let variables = [
        ("POD_NAME", "shop-7d9-x2"),
        ("K8S_NODE_NAME", "node-1"),
        ("K8S_NAMESPACE_NAME", "by-variable"),
        ("POD_UID", " "),
    ];
    insta::assert_snapshot!(root.text(&[Detector::Kubernetes], &variables), @r"
    k8s.namespace.name=by-variable
    k8s.node.name=node-1
    k8s.pod.name=shop-7d9-x2
    k8s.pod.uid=0a1b2c3d-1111-2222-3333-444455556666
    k8s.container.name=shop
    ");
}

#[test]
fn a_pods_id_is_in_its_cgroup_as_well() {
    for path in [
        format!("/kubepods/burstable/pod{POD}/{ID}"),
        format!("/kubepods.slice/kubepods-besteffort-pod{}.slice/x", POD.replace('-', "_")),
    ] {
        let root = Root::with(&[("proc/self/cgroup", &format!("3:cpu:{path}\n"))]);
        let found = root.text(&[Detector::Kubernetes], &[("KUBERNETES_SERVICE_HOST", "10.0.0.1")]);
        assert_eq!(found, format!("k8s.pod.uid={POD}"), "{path}");
    }
}

#[test]
fn outside_of_a_cluster_variables_like_a_pods_say_nothing() {
    let root = Root::with(&[]);
    assert_eq!(root.text(&[Detector::Kubernetes], &[("POD_NAME", "whale")]), "");
}

#[test]
fn a_machine_has_a_name_and_an_id_and_a_system() {
    let release =
        "NAME=\"Debian GNU/Linux\"\nVERSION_ID='13'\nPRETTY_NAME=\"A \\\"quoted\\\" name\"\n";
    let files = [
        ("proc/sys/kernel/hostname", "box\n"),
        ("etc/machine-id", "0123456789abcdef0123456789abcdef\n"),
        ("etc/os-release", release),
    ];
    let both = [Detector::Host, Detector::Os, Detector::Os];
    let of_this_build = |line: &&str| !["host.arch", "os.type"].iter().any(|k| line.starts_with(k));
    let filtered = |text: String| text.lines().filter(of_this_build).collect::<Vec<_>>().join("\n");
    insta::assert_snapshot!(filtered(Root::with(&files).text(&both, &[])), @r#"
    host.name=box
    host.id=0123456789abcdef0123456789abcdef
    os.name=Debian GNU/Linux
    os.version=13
    os.description=A "quoted" name
    "#);
    let cgroup = format!("1:cpu:/docker/{ID}\n");
    let contained = [&files[..], &[("proc/self/cgroup", cgroup.as_str())]].concat();
    let found = Root::with(&contained).text(&both, &[]);
    assert!(!found.contains("host.id"), "the image's id is no machine's: {found}");
}

#[test]
fn a_process_is_told_without_its_arguments() {
    let found = Root::with(&[]).found(&[Detector::Process], &[]);
    assert!(found.tells_process);
    let without_version = |(key, _): &&(&str, String)| *key != "process.runtime.version";
    let attributes: Vec<_> = found.attributes.iter().filter(without_version).collect();
    insta::assert_snapshot!(format!("{attributes:?}"), @r#"
    [("process.executable.name", "shop"), ("process.executable.path", "/srv/shop"), ("process.command", "./shop"), ("process.runtime.name", "rustc")]
    "#);
}

#[test]
fn where_there_is_nothing_nothing_is_found() {
    let all = [Detector::Container, Detector::Kubernetes];
    let root = Root::with(&[]);
    assert_eq!(root.found(&all, &[]), Detected::default());
    let nowhere = Root(root.0.join("absent"));
    assert_eq!(nowhere.found(&all, &[]), Detected::default());
    // There is no directory to remove.
    std::mem::forget(nowhere);
    assert_eq!(root.found(&[], &[]), Detected::default());
}

#[test]
fn files_that_are_no_files_are_not_waited_for() {
    let root = Root::with(&[]);
    fs::create_dir_all(root.0.join("etc/machine-id")).expect("a directory in the place of a file");
    assert!(!root.text(&[Detector::Host], &[]).contains("host.id"));
    assert!(Path::new("/dev/zero").exists(), "a device that never ends");
    fs::create_dir_all(root.0.join("proc/self")).expect("a directory");
    std::os::unix::fs::symlink("/dev/zero", root.0.join("proc/self/cgroup")).expect("a link");
    assert_eq!(root.text(&[Detector::Container], &[]), "");
}
