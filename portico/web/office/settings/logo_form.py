"""The form for uploading a logo."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.plumbing import images


class LogoForm(forms.Form):
    """One file, not yet checked to be an image: saving the logo does that."""

    use_required_attribute = False

    logo = forms.FileField(
        label=_("Choose a logo"),
        # The file name is not stored, so its length does not matter.
        max_length=None,
        error_messages=dict.fromkeys(
            ("required", "missing", "invalid", "empty"), _("Choose a file first: a PNG, a JPEG or a WebP.")
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    @property
    def file(self) -> bytes:
        """Returns the content, cut one byte above the size limit: enough for it to be rejected."""
        file: bytes = self.cleaned_data["logo"].read(images.MAX_BYTES + 1)
        return file
