//! The rung of Debian: packages that apt fetches and dpkg unpacks, in the user's cache folder and
//! without root.
//!
//! Nothing is installed: no script of a package runs, and nothing outside of the cache changes.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, anyhow};

use super::{Skip, cache, environment, is_program, on_path, quietly};
use crate::cargo;

/// Programs of a Debian package.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    /// Whether it needs packages that may not be installed: its libraries come along.
    pub(crate) has_dependencies: bool,
}

/// The server and `promtool`, of Go and complete in themselves.
pub(crate) const PROMETHEUS: Package = Package { name: "prometheus", has_dependencies: false };

/// The server; its program lies in a package that this one needs.
pub(crate) const REDIS: Package = Package { name: "redis-server", has_dependencies: true };

/// The server and `initdb`, in a folder of their version.
pub(crate) const POSTGRESQL: Package = Package { name: "postgresql", has_dependencies: true };

impl Package {
    /// The program at `path` inside of the package, such as `usr/bin/promtool`: from the PATH,
    /// else where the installed package has it, else from Debian. A `*` in `path` is any folder.
    pub(crate) fn find(self, path: &str) -> Result<PathBuf, Skip> {
        let program = Path::new(path).file_name().unwrap_or_default();
        if let Some(known) = on_path(&program.to_string_lossy()) {
            return Ok(known);
        }
        if let Some(installed) = within(Path::new("/"), path).filter(|file| is_program(file)) {
            return Ok(installed);
        }
        self.unpacked(path).map_err(|error| self.skip(&program.to_string_lossy(), &error))
    }

    fn skip(self, program: &str, error: &anyhow::Error) -> Skip {
        Skip {
            what: program.to_owned(),
            why: format!("{error:#}"),
            remedy: format!("apt-get install {}", self.name),
        }
    }

    fn unpacked(self, path: &str) -> anyhow::Result<PathBuf> {
        let folder = cache().join("debian").join(self.name);
        if !folder.is_dir() {
            self.fetch(&folder)?;
        }
        let program = within(&folder, path).ok_or_else(|| anyhow!("it has no {path}"))?;
        let program = if self.has_dependencies { starter(&folder, &program)? } else { program };
        if is_program(&program) { Ok(program) } else { Err(anyhow!("it does not start")) }
    }

    /// The folder is there when it is complete, never before.
    fn fetch(self, folder: &Path) -> anyhow::Result<()> {
        for tool in ["apt-get", "dpkg"] {
            on_path(tool).ok_or_else(|| anyhow!("no {tool} on the PATH"))?;
        }
        println!("fetching Debian's package {:?} into {}", self.name, folder.display());
        let half = folder.with_extension(format!("half-{}", std::process::id()));
        let archives = half.join("archives");
        fs::create_dir_all(&archives)?;
        let done = self.download(&archives).and_then(|()| {
            let tree = half.join("tree");
            for file in fs::read_dir(&archives)? {
                run(Command::new("dpkg").arg("-x").arg(file?.path()).arg(&tree))?;
            }
            // Somebody else may have been faster, which is as good.
            fs::rename(&tree, folder)
                .or_else(|error| folder.is_dir().then_some(()).ok_or(error))?;
            Ok(())
        });
        // What it holds can be fetched again; a leftover harms nobody.
        let _ = fs::remove_dir_all(&half);
        done
    }

    /// With the system's lists of packages; where those are missing, as in small containers, or
    /// old, with lists of our own.
    fn download(self, archives: &Path) -> anyhow::Result<()> {
        let of_the_system = Apt { lists: None };
        if self.download_with(&of_the_system, archives).is_ok() {
            return Ok(());
        }
        let own = Apt { lists: Some(cache().join("debian-lists")) };
        own.update()?;
        self.download_with(&own, archives)
    }

    fn download_with(self, apt: &Apt, archives: &Path) -> anyhow::Result<()> {
        let names = if self.has_dependencies {
            apt.wanted_for(self.name)?
        } else {
            vec![self.name.to_owned()]
        };
        run(apt.command().arg("download").args(names).current_dir(archives))
    }
}

/// `apt-get`, which needs root for the system's folders alone.
struct Apt {
    /// Lists of packages of our own.
    lists: Option<PathBuf>,
}

impl Apt {
    fn command(&self) -> Command {
        let mut command = Command::new("apt-get");
        // As root it would fetch as another user, who may not write to this one's cache.
        command.args(["-o", "APT::Sandbox::User=root", "-o", "Debug::NoLocking=true"]);
        if let Some(lists) = &self.lists {
            for (option, folder) in [("Dir::State::lists", "lists"), ("Dir::Cache", "cache")] {
                let folder = lists.join(folder).join("");
                command.arg("-o").arg(format!("{option}={}", folder.display()));
            }
        }
        command
    }

    fn update(&self) -> anyhow::Result<()> {
        for folder in self.lists.iter().flat_map(|it| [it.join("lists"), it.join("cache")]) {
            fs::create_dir_all(folder.join("partial"))?;
        }
        run(self.command().arg("update"))
    }

    /// The package, and everything that it needs and that is not installed.
    fn wanted_for(&self, name: &str) -> anyhow::Result<Vec<String>> {
        let mut command = self.command();
        command.args(["install", "--print-uris", "--yes", "--no-install-recommends", name]);
        let said = cargo::output(environment::clean(&mut command))?;
        let needed = said.lines().filter_map(package_in).filter(|needed| *needed != name);
        Ok(std::iter::once(name).chain(needed).map(str::to_owned).collect())
    }
}

/// The package that a line of `--print-uris` speaks of:
/// `'http://…/redis-server_7.0.15-1_amd64.deb' redis-server_5%3a7.0.15-1_amd64.deb 72444 SHA256:…`.
fn package_in(line: &str) -> Option<&str> {
    let mut words = line.strip_prefix('\'')?.split(' ');
    let (name, _) = words.nth(1)?.split_once('_')?;
    Some(name)
}

/// What lies at `path` in `folder`; a `*` is the last of the folders there, by name.
fn within(folder: &Path, path: &str) -> Option<PathBuf> {
    let step = |at: PathBuf, name: &str| match name {
        "*" => fs::read_dir(&at).ok()?.filter_map(|entry| Some(entry.ok()?.path())).max(),
        name => Some(at.join(name)),
    };
    path.split('/').try_fold(folder.to_owned(), step).filter(|found| found.exists())
}

/// A script that starts the program with the libraries that came along.
fn starter(folder: &Path, program: &Path) -> anyhow::Result<PathBuf> {
    let name = program.file_name().context("a program has a name")?;
    let script = folder.join("start").join(name);
    let libraries = ["usr/lib", "lib"].map(|libraries| {
        let folder = folder.join(libraries).join(format!("{}-linux-gnu", std::env::consts::ARCH));
        folder.display().to_string()
    });
    fs::create_dir_all(folder.join("start"))?;
    let (libraries, program) = (libraries.join(":"), program.display());
    let text = format!("#!/bin/sh\nLD_LIBRARY_PATH=\"{libraries}\" exec \"{program}\" \"$@\"\n");
    // Somebody may just be starting it.
    if fs::read_to_string(&script).is_ok_and(|known| known == text) {
        return Ok(script);
    }
    fs::write(&script, text)?;
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
    Ok(script)
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    quietly(command).map_err(|why| anyhow!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_read_from_what_apt_says() {
        let said = "Reading package lists...\n\
            'http://deb.debian.org/debian/pool/main/r/redis/redis-server_7.0.15-1_amd64.deb' \
            redis-server_5%3a7.0.15-1_amd64.deb 72444 SHA256:00\n\
            'http://deb.debian.org/debian/pool/main/j/jemalloc/libjemalloc2_5.3.0-1_amd64.deb' \
            libjemalloc2_5.3.0-1_amd64.deb 275092 SHA256:00\n";
        let packages: Vec<_> = said.lines().filter_map(package_in).collect();
        assert_eq!(packages, ["redis-server", "libjemalloc2"]);
    }

    #[test]
    fn a_package_that_could_not_be_fetched_is_said_with_the_line_to_type() {
        let skip = PROMETHEUS.skip("promtool", &anyhow!("no apt-get on the PATH"));
        assert_eq!(
            skip.line(),
            "SKIP promtool: no apt-get on the PATH; to have it: `apt-get install prometheus`"
        );
    }

    #[test]
    fn a_program_that_needs_its_libraries_is_started_with_them() {
        let folder = std::env::temp_dir().join(format!("oxitel-starter-{}", std::process::id()));
        fs::create_dir_all(folder.join("bin")).unwrap();
        fs::write(folder.join("bin/said"), "#!/bin/sh\necho \"$LD_LIBRARY_PATH|$1\"\n").unwrap();
        fs::set_permissions(folder.join("bin/said"), fs::Permissions::from_mode(0o755)).unwrap();
        let script = starter(&folder, &within(&folder, "*/said").unwrap()).unwrap();
        let said = cargo::output(Command::new(script).arg("a b")).unwrap();
        fs::remove_dir_all(&folder).unwrap();
        let libraries = format!("{}/usr/lib/", folder.display());
        assert!(said.starts_with(&libraries) && said.ends_with("|a b\n"), "{said}");
    }
}
