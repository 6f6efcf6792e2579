"""What the user does with models."""

from __future__ import annotations

from pathlib import Path

from engine.api import Inspect, ModelInfo
from studio.engine_link.engine_link import Job
from studio.session.maps import MapActions, model_of


class ModelActions(MapActions):
    """Model and maps: a map shows latents of the model in use, never of another."""

    def set_model(self, path: str | Path) -> Job:
        """Use a model: the library is analysed with it, maps of another one are dropped."""
        self.analysis.held = True
        job = self.link.submit(
            Inspect(str(path)), title=self.tr("Open the model {0}").format(Path(path).name), latest_key="model"
        )
        job.done.connect(self.current_only(self._use))
        job.failed.connect(self.current_only(lambda *_words: self._keep_model()))
        job.cancelled.connect(self.current_only(self._keep_model))
        self._tell_failures(job)
        return job

    def _use(self, model: ModelInfo) -> None:
        same = self.model is not None and self.model.hash == model.hash
        kept = self._model_path == model.path
        self.model = model
        self._model_path = model.path
        if not same:
            dropped = [latent for latent, points in self.maps.items() if model_of(points) != model.hash]
            for latent in dropped:
                del self.maps[latent]
            for latent in list(self.map_jobs):
                self.stop_map(latent)
        self.model_changed.emit()
        if not same:
            for latent in dropped:
                self.map_changed.emit(latent)
        self.analysis.set_model(model)
        if not kept:
            self._save_soon()

    def _keep_model(self) -> None:
        self.analysis.held = False
        self.analysis.pump()
