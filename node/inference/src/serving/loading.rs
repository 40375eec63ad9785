//! How a model comes into memory: fetched, verified, tried, and given room.

use super::{
	metrics::Load,
	served::{Loaded, Served},
	source::Origin,
	Shared,
};
use crate::{
	backend::{LoadRequest, Model},
	panics::isolated,
	tensor::{DataType, Tensor},
};
use bytes::Bytes;
use futures::channel::oneshot;
use std::{collections::BTreeMap, sync::Arc, time::Instant};
use zkonnx::Network;

impl Shared {
	/// Fetches, verifies and loads a model. Runs on a thread of its own.
	pub(super) fn load_model(&self, served: &Arc<Served>) -> Result<Loaded, String> {
		let _turn = self.turn();
		let start = Instant::now();
		let loaded =
			isolated(|| self.try_load(served)).unwrap_or_else(|text| Err(format!("PANIC: {text}")));
		let took = start.elapsed();
		let Served { model, version, .. } = &**served;
		match &loaded {
			Ok(loaded) => {
				served.series.loaded(loaded.kind, took);
				served.series.memory(loaded.memory());
				log::info!(
					target: "inference",
					"model {model} {version}: loaded in {took:?} ({:?}), {} bytes of memory, batches: {}",
					loaded.kind, loaded.memory(), loaded.batches,
				);
			},
			Err(reason) => log::error!(
				target: "inference",
				"model {model} {version}: can not be loaded: {reason}",
			),
		}
		loaded
	}

	fn try_load(&self, served: &Arc<Served>) -> Result<Loaded, String> {
		let backends: Vec<_> =
			served.options.backends.iter().filter_map(|name| self.backends.get(name)).collect();
		let needs_file = backends.iter().any(|backend| backend.needs_file());
		let (file, origin) = match needs_file {
			true => {
				self.make_room(Some(served.entry.bytes), served)?;
				let (file, origin) =
					self.fetcher.get(&served.entry).map_err(|error| error.to_string())?;
				(Bytes::from(file), origin)
			},
			false => (Bytes::new(), Origin::Local),
		};
		let mut refusals = Vec::new();
		for backend in backends {
			let request = LoadRequest {
				model: &served.model,
				version: &served.version,
				uri: &served.entry.uri,
				hash: served.entry.hash,
				file: &file,
			};
			let shared = backend.holds(&served.entry.hash);
			let kind = match (shared, origin) {
				(true, _) => Load::Hot,
				(false, Origin::Local) => Load::Warm,
				(false, Origin::Fetched) => Load::Cold,
			};
			let loaded = backend.load(&request).and_then(|model| model.warm_up().map(|()| model));
			let model = match loaded {
				Ok(model) => model,
				Err(error) => {
					refusals.push(format!("{}: {error}", backend.name()));
					continue;
				},
			};
			let memory = model.memory();
			if let Some(most) = served.options.max_memory.filter(|most| memory > *most) {
				return Err(format!("it takes {memory} bytes of memory; {most} is the most"));
			}
			let signature = model.signature().clone();
			let joinable = signature.varies() && served.options.max_batch > 1;
			// What another server makes of a batch is its own business.
			let tried = match backend.needs_file() && joinable {
				true => joins(model.as_ref()),
				false => None,
			};
			let batches = joinable && tried.unwrap_or(signature.batches);
			if joinable && !batches {
				log::warn!(
					target: "inference",
					"model {} {}: rows are not independent of each other, so that requests run one by one",
					served.model, served.version,
				);
			}
			self.make_room(Some(memory), served)?;
			return Ok(Loaded {
				batches,
				// What another server answers is not verified, and not to be taken for the file's.
				// Of integers alone it may still be a model that draws random numbers, or reckons in floats inside.
				remembers: served.options.remember
					&& backend.needs_file()
					&& signature.is_integer()
					&& Network::from_onnx(&file).is_ok(),
				signature,
				platform: backend.platform().into(),
				kind,
				model: Some(model),
			});
		}
		Err(refusals.join("; "))
	}

	/// Unloads what was not used for longest, until the model's file can take `bytes`, or has room as it is. Whoever serves
	/// a file under another name shares its memory.
	pub(super) fn make_room(&self, bytes: Option<u64>, of: &Arc<Served>) -> Result<(), String> {
		let _alone = self.evicting.lock();
		let most = self.config.memory;
		loop {
			// What is not there any more needs no room.
			let bytes = bytes.unwrap_or_else(|| of.memory());
			let files = if bytes > 0 { self.files(of) } else { Vec::new() };
			let taken = |stays: bool| {
				let files = files.iter().filter(|file| !stays || file.used.is_none());
				files.map(|file| file.memory).fold(bytes, u64::saturating_add)
			};
			if taken(false) <= most {
				return Ok(());
			}
			let stays = taken(true);
			let gone = files.into_iter().filter(|file| file.used.is_some());
			let Some(oldest) = gone.min_by_key(|file| file.used).filter(|_| stays <= most) else {
				// Nothing is unloaded in vain.
				return Err(does_not_fit(bytes, stays.saturating_sub(bytes), most));
			};
			let unload = |served: &Arc<Served>| {
				let (reply, replied) = oneshot::channel();
				served.unload(Some(reply), "it made room for another", false);
				replied
			};
			for replied in oldest.served.iter().map(unload).collect::<Vec<_>>() {
				// The watchdog ends what hangs.
				let _ = futures::executor::block_on(replied);
			}
		}
	}

	/// The files in memory, but for that of one.
	fn files(&self, except: &Arc<Served>) -> Vec<File> {
		let mut files = BTreeMap::<_, File>::new();
		for served in self.everybody() {
			let Some((memory, used)) = served.occupies().filter(|(memory, _)| *memory > 0) else {
				continue;
			};
			if served.entry.hash == except.entry.hash {
				continue;
			}
			let file = files.entry(served.entry.hash).or_insert_with(|| File {
				served: Vec::new(),
				memory: 0,
				used,
			});
			file.served.push(served);
			file.memory = file.memory.max(memory);
			file.used = file.used.zip(used).map(|(a, b)| a.max(b));
		}
		files.into_values().collect()
	}

	/// Waits until fewer models are being loaded than may be.
	fn turn(&self) -> Turn<'_> {
		let mut loading = self.loading.lock();
		while *loading >= self.config.loads.max(1) {
			self.load_ended.wait(&mut loading);
		}
		*loading = loading.saturating_add(1);
		Turn(self)
	}
}

/// A model file in memory.
struct File {
	/// Who serves it.
	served: Vec<Arc<Served>>,
	memory: u64,
	/// When it was used last, if all who serve it can be unloaded.
	used: Option<Instant>,
}

fn does_not_fit(bytes: u64, taken: u64, most: u64) -> String {
	format!("{bytes} bytes of memory do not fit: {taken} of {most} are taken, by models that stay")
}

/// Whether a row's answer is the same alone and beside another row: a varying first dimension may
/// also be one along which a model mixes, the words of a sentence say. Tried with zeros and ones,
/// in both orders; `None` where further dimensions vary, and nobody can say what would fit.
fn joins(model: &dyn Model) -> Option<bool> {
	let signature = model.signature();
	let (zeros, ones) = (signature.zeros(1)?, signature.ones()?);
	let run = |requests: &[&[Tensor]]| model.infer_batch(requests).ok();
	let alone = [run(&[&zeros])?, run(&[&ones])?];
	let same = |first: &[Tensor], second: &[Tensor], alone: [&[Tensor]; 2]| {
		let Some(both) = run(&[first, second]) else { return false };
		both.iter().zip(alone[0].iter().zip(alone[1])).all(|(both, (first, second))| {
			let cut = first.data.len();
			both.shape.first() == Some(&2)
				&& both.data.len() == cut.saturating_add(second.data.len())
				&& close(both.data_type, &both.data[..cut], &first.data)
				&& close(both.data_type, &both.data[cut..], &second.data)
		})
	};
	Some(same(&zeros, &ones, [&alone[0], &alone[1]]) && same(&ones, &zeros, [&alone[1], &alone[0]]))
}

/// Whether two answers are the same, up to what another order of the same sum makes.
fn close(data_type: DataType, a: &[u8], b: &[u8]) -> bool {
	let near = |a: f64, b: f64, tolerance: f64| {
		a == b || a.is_nan() && b.is_nan() || (a - b).abs() <= tolerance * (1.0 + a.abs())
	};
	match data_type {
		DataType::Fp32 => {
			let [a, b] =
				[a, b].map(|bytes| bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a.into(), b.into(), 1e-3))
		},
		DataType::Fp64 => {
			let [a, b] =
				[a, b].map(|bytes| bytes.as_chunks().0.iter().copied().map(f64::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a, b, 1e-6))
		},
		DataType::Fp16 => {
			let [a, b] = [a, b]
				.map(|bytes| bytes.as_chunks().0.iter().copied().map(half::f16::from_le_bytes));
			a.zip(b).all(|(a, b)| near(a.into(), b.into(), 1e-2))
		},
		_ => a == b,
	}
}

/// A load that counts as long as it lives.
struct Turn<'a>(&'a Shared);

impl Drop for Turn<'_> {
	fn drop(&mut self) {
		let mut loading = self.0.loading.lock();
		*loading = loading.saturating_sub(1);
		drop(loading);
		self.0.load_ended.notify_one();
	}
}
