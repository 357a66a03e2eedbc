//! Within a crate no file uses another that uses it in turn, parents and children aside: a room can be understood, moved and replaced
//! alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use syn::{Item, UseTree, visit::Visit};

/// A module by the names that lead to it from the crate.
type Name = Vec<String>;

#[derive(Default)]
struct Module {
    /// What it hands on under a name of its own.
    exports: BTreeMap<String, Name>,
    /// Every path that it mentions, from the crate.
    paths: Vec<Name>,
}

/// Collects the paths of one file. Tests of the file itself may use anything.
struct Reader<'a> {
    here: &'a Name,
    module: Module,
}

impl Reader<'_> {
    /// The path from the crate; `None` when it begins elsewhere.
    fn absolute(&self, path: &[String]) -> Option<Name> {
        let first = path.first()?.as_str();
        let rest = || path.iter().skip(1).cloned();
        match first {
            "crate" => Some(rest().collect()),
            "self" => Some(self.here.iter().cloned().chain(rest()).collect()),
            "super" => {
                let ups = path.iter().take_while(|part| *part == "super").count();
                let up = self.here.len().checked_sub(ups)?;
                Some(self.here.iter().take(up).chain(path.iter().skip(ups)).cloned().collect())
            }
            _ => None,
        }
    }

    fn take_use(&mut self, before: &[String], tree: &UseTree, is_export: bool) {
        let with = |name: String| before.iter().cloned().chain([name]).collect::<Vec<_>>();
        let (path, name) = match tree {
            UseTree::Path(path) => {
                return self.take_use(&with(path.ident.to_string()), &path.tree, is_export);
            }
            UseTree::Group(group) => {
                return group.items.iter().for_each(|item| self.take_use(before, item, is_export));
            }
            UseTree::Glob(_) => (before.to_vec(), String::new()),
            UseTree::Name(name) if name.ident == "self" => {
                (before.to_vec(), before.last().cloned().unwrap_or_default())
            }
            UseTree::Name(name) => (with(name.ident.to_string()), name.ident.to_string()),
            UseTree::Rename(rename) => (with(rename.ident.to_string()), rename.rename.to_string()),
        };
        // Within a file that declares modules a path may begin with one of them.
        let local = || self.here.iter().cloned().chain(path.iter().cloned()).collect();
        let absolute = self.absolute(&path).unwrap_or_else(local);
        if is_export {
            self.module.exports.insert(name, absolute);
        } else {
            self.module.paths.push(absolute);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let is_test = |attributes: &[syn::Attribute]| {
            attributes.iter().any(|one| one.path().is_ident("cfg") && quoted(one).contains("test"))
        };
        match item {
            Item::Mod(module) if is_test(&module.attrs) => {}
            Item::Use(item) => {
                let is_export = !matches!(item.vis, syn::Visibility::Inherited);
                self.take_use(&[], &item.tree, is_export);
            }
            other => syn::visit::visit_item(self, other),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let parts: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.module.paths.extend(self.absolute(&parts));
        syn::visit::visit_path(self, path);
    }
}

fn quoted(attribute: &syn::Attribute) -> String {
    attribute.meta.require_list().map(|list| list.tokens.to_string()).unwrap_or_default()
}

/// The modules of a crate; tests that are files of their own are left out.
fn modules(source: &Path) -> BTreeMap<Name, Module> {
    let mut files = Vec::new();
    collect(source, &mut files);
    let mut modules = BTreeMap::new();
    for file in files {
        let below = file.strip_prefix(source).expect("below the source").with_extension("");
        let mut name: Name = below.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        if matches!(name.last().map(String::as_str), Some("lib" | "main" | "mod")) {
            name.pop();
        }
        if name.last().is_some_and(|last| last == "tests") {
            continue;
        }
        let text = std::fs::read_to_string(&file).expect("text");
        let parsed = syn::parse_file(&text).expect("Rust");
        let mut reader = Reader { here: &name, module: Module::default() };
        reader.visit_file(&parsed);
        let module = reader.module;
        modules.insert(name, module);
    }
    modules
}

fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The module that a path leads to, through what others hand on.
fn resolve(modules: &BTreeMap<Name, Module>, path: &[String], left: usize) -> Option<Name> {
    let depth = (0..=path.len()).rev().find(|depth| modules.contains_key(&path[..*depth]))?;
    let (at, rest) = path.split_at(depth);
    let handed_on = rest.first().and_then(|name| modules[at].exports.get(name));
    match handed_on {
        Some(export) if left > 0 && export.as_slice() != path => {
            let further: Name = export.iter().chain(rest.iter().skip(1)).cloned().collect();
            resolve(modules, &further, left - 1)
        }
        _ => Some(at.to_vec()),
    }
}

/// Which modules each uses, parents and children aside.
fn uses(modules: &BTreeMap<Name, Module>) -> BTreeMap<Name, BTreeSet<Name>> {
    let is_kin = |one: &Name, other: &Name| one.starts_with(other) || other.starts_with(one);
    let of = |(name, module): (&Name, &Module)| {
        let found = module.paths.iter().filter_map(|path| resolve(modules, path, 5));
        (name.clone(), found.filter(|found| !is_kin(found, name)).collect())
    };
    modules.iter().map(of).collect()
}

/// All that can be reached from a module.
fn reached(uses: &BTreeMap<Name, BTreeSet<Name>>, from: &Name) -> BTreeSet<Name> {
    let mut reached = BTreeSet::new();
    let mut waiting: Vec<&Name> = uses[from].iter().collect();
    while let Some(next) = waiting.pop() {
        if reached.insert(next.clone()) {
            waiting.extend(&uses[next]);
        }
    }
    reached
}

fn circles(source: &Path) -> Vec<String> {
    let uses = uses(&modules(source));
    let circular = |name: &&Name| reached(&uses, name).contains(*name);
    uses.keys().filter(circular).map(|name| name.join("::")).collect()
}

/// The sources of every library, the program's own among them.
fn libraries() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = std::fs::read_dir(root).expect("the root is there");
    let sources = folders.map(|folder| folder.expect("an entry").path().join("src"));
    sources.chain([root.join("src")]).filter(|source| source.join("lib.rs").is_file()).collect()
}

#[test]
fn no_files_use_each_other() {
    let libraries = libraries();
    assert!(libraries.len() > 10, "the libraries are found");
    for source in libraries {
        assert!(modules(&source).len() > 1, "{} has modules", source.display());
        assert_eq!(circles(&source), Vec::<String>::new(), "{}", source.display());
    }
}

/// The test would notice: two files, and a third that hands one of them on.
#[test]
fn a_circle_of_files_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    write("lib.rs", "mod a; mod b; mod c; pub use b::B;");
    write("a.rs", "pub struct A; fn f(_: crate::B) {}");
    write("b.rs", "use super::c::C; pub struct B(C);");
    write("c.rs", "pub struct C; #[cfg(test)] mod tests { use crate::a::A; }");
    assert_eq!(circles(folder.path()), Vec::<String>::new());
    write("c.rs", "pub struct C; fn f() -> crate::a::A { todo!() }");
    assert_eq!(circles(folder.path()), ["a", "b", "c"]);
}
