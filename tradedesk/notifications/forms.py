from django import forms


class MarkReadForm(forms.Form):
    """The notifications that were on the page: those with ids up to `up_to`."""

    up_to = forms.IntegerField(min_value=1)
