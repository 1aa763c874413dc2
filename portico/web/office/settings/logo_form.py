"""What a new logo comes in."""

from django import forms
from django.utils.translation import gettext_lazy as _

from portico.plumbing import images


class LogoForm(forms.Form):
    """One file. Whether it is a picture is for whoever reads it to say; how large it is, is known before."""

    use_required_attribute = False

    logo = forms.FileField(
        label=_("Choose a logo"),
        # The name is not kept: no length of it is too long.
        max_length=None,
        error_messages=dict.fromkeys(
            ("required", "missing", "invalid", "empty"), _("Choose a file first: a PNG, a JPEG or a WebP.")
        ),
        widget=forms.FileInput(attrs={"accept": "image/png,image/jpeg,image/webp"}),
    )

    @property
    def file(self) -> bytes:
        """At most one byte more than is allowed: enough to be refused."""
        file: bytes = self.cleaned_data["logo"].read(images.MAX_BYTES + 1)
        return file
