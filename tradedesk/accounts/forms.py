from django import forms


class MarkReadForm(forms.Form):
    """Which notifications the reader has had before their eyes: those up to this id."""

    up_to = forms.IntegerField(min_value=1)
