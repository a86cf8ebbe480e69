"""Presets and styles as a bar, to be put above a form."""

from __future__ import annotations

from functools import partial
from html import escape

import ipywidgets
import traitlets

from studio_kernel.domain.presets import PROMPT_FIELD
from studio_widgets.choice import Choice
from studio_widgets.frame import panel as parts
from studio_widgets.presets.state import PresetState
from studio_widgets.timing import Debounced


class PresetBar(ipywidgets.VBox):  # type: ignore[misc]  # untyped base
    """The bar without a frame, to be put beside a form."""

    def __init__(self, state: PresetState) -> None:
        self._state = state
        self._about = parts.styled(ipywidgets.HTML(), "sr-about")
        self._message = ipywidgets.HTML()
        self._told = ipywidgets.HTML()
        super().__init__(
            [self._presets(), self._about, self._styles(), self._saving(), self._asking(), self._message, self._told]
        )
        parts.styled(self, "sr-bar")
        state.observe(lambda _change: self._show(), ["preset", "style", "told", "error", "question", "can_undo"])
        state.observe(lambda _change: self._show_fields(), "style")
        state.observe(lambda _change: self._show_preview(), ["style", "fields"])
        state.form.observe(lambda _change: self._show_preview(), "prompt")
        self._show()
        self._show_fields()
        self._show_preview()

    def _presets(self) -> ipywidgets.HBox:
        state = self._state
        choice = Choice(
            state, "preset", "Preset", lambda: [("Choose a preset", ""), *state.presets], follow=["presets"]
        )
        self._apply = parts.button("Apply", state.apply, "Put this preset into the form")
        self._undo = parts.button("Undo", state.undo, "Put the form back to what it said before", "st-quiet")
        self._delete = parts.button("Delete", state.delete, "Delete this preset of your own", "st-quiet")
        return parts.styled(parts.row(parts.field(choice), self._apply, self._delete, self._undo), "sr-line")

    def _styles(self) -> ipywidgets.VBox:
        state = self._state
        choice = Choice(state, "style", "Style", lambda: [("Choose a style", ""), *state.styles], follow=["styles"])
        self._fill = parts.button("Fill in", state.apply_style, "Make the prompt of this style and its fields")
        self._delete_style = parts.button("Delete", state.delete_style, "Delete this style of your own", "st-quiet")
        self._fields = parts.styled(ipywidgets.HBox(), "sr-fields")
        self._preview = parts.styled(ipywidgets.HTML(), "sr-about")
        line = parts.styled(parts.row(parts.field(choice), self._fill, self._delete_style), "sr-line")
        return parts.styled(ipywidgets.VBox([line, self._fields, self._preview]), "sr-styles")

    def _saving(self) -> ipywidgets.VBox:
        state = self._state
        fold = parts.styled(
            ipywidgets.ToggleButton(description="Save…", tooltip="Save the settings or the prompt of the form"),
            "st-quiet",
            "st-fold",
        )
        name = ipywidgets.Text(description="Name", placeholder="What you call it", continuous_update=True)
        traitlets.link((state, "name"), (name, "value"))
        prompt = ipywidgets.Checkbox(description="With the prompt", indent=False)
        traitlets.link((state, "with_prompt"), (prompt, "value"))
        model = ipywidgets.Checkbox(description="For this model alone", indent=False)
        traitlets.link((state, "with_model"), (model, "value"))
        save = parts.button("Save settings", state.save, "Save what the form says as a preset")
        style = parts.button("Save prompt as style", state.save_style, "Words in braces, as {product}, become fields")
        options = parts.styled(ipywidgets.HBox([prompt, model]), "sr-options")
        body = parts.styled(ipywidgets.VBox([parts.row(parts.field(name), save, style), options]), "sr-save")
        fold.observe(lambda change: parts.place(body, change.new), "value")
        parts.place(body, False)
        whole = ipywidgets.VBox([fold, body])
        parts.place(whole, state.can_change)
        return whole

    def _asking(self) -> ipywidgets.HBox:
        self._question = parts.styled(ipywidgets.HTML(), "sr-question")
        yes = parts.button("Yes", self._state.agree, "Do it", "st-primary")
        no = parts.button("No", self._state.decline, "Leave everything as it is")
        self._asked = parts.styled(parts.row(self._question, yes, no), "sr-asked")
        return self._asked

    def _show(self) -> None:
        state = self._state
        preset, style = state.chosen, state.chosen_style
        parts.fill(self._about, f'<span class="st-sub">{escape(preset.description)}</span>' if preset else "")
        self._apply.disabled = preset is None
        self._fill.disabled = style is None
        parts.place(self._delete, preset is not None and preset.own and state.can_change)
        parts.place(self._delete_style, style is not None and style.own and state.can_change)
        parts.place(self._undo, state.can_undo)
        self._question.value = f'<span role="alert">{escape(state.question)}</span>'
        parts.place(self._asked, bool(state.question))
        parts.fill(self._message, parts.alert(state.error))
        # Stays in the page while it is empty, so that what comes to stand in it is read out.
        self._told.value = f'<div class="sr-told" role="status">{escape(state.told)}</div>'

    def _show_fields(self) -> None:
        style = self._state.chosen_style
        self._fields.children = (
            [self._field(name, style.defaults.get(name, "")) for name in style.fields] if style else []
        )
        parts.place(self._fields, bool(self._fields.children))

    def _field(self, name: str, default: str) -> ipywidgets.Text:
        hint = "As in the form" if name == PROMPT_FIELD else default
        control = ipywidgets.Text(
            value=self._state.fields.get(name, ""), description=name.replace("_", " ").capitalize(), placeholder=hint
        )
        later = Debounced(partial(self._state.set_field, name))
        control.observe(lambda change: later(change.new), "value")
        return parts.field(control)

    def _show_preview(self) -> None:
        text = self._state.preview
        parts.fill(self._preview, f'<span class="st-sub">{escape(text)}</span>' if text else "")
