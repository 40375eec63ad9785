//! Tells the version of the node.

fn main() {
	// The keys alone: `rerun_if_git_head_changed` would link the node anew at each commit.
	substrate_build_script_utils::generate_cargo_keys();
}
