"""Who may enter: Streamlit's login (OIDC) says who someone is, the list in GAINAKT_ALLOWED who may look."""

import os

import streamlit as st

from gainakt.ui.text import markdown_text

ALLOWED = "GAINAKT_ALLOWED"
"""Environment variable with the e-mail addresses of those who may enter, separated by commas; unset: no login."""


def check() -> None:
    """End the page here, with a button to log in, for whom is not on the list."""
    if ALLOWED not in os.environ:
        return
    allowed = {address.strip().lower() for address in os.environ[ALLOWED].split(",")} - {""}
    user = st.user.to_dict()
    address = str(user.get("email", ""))
    if not user.get("is_logged_in"):
        st.markdown("This dashboard asks who you are.")
        st.button("Log in", type="primary", on_click=st.login)
    elif address.lower() in allowed and user.get("email_verified") is not False:
        return
    else:
        st.error(f"{markdown_text(address or 'This account')} may not enter. Ask whoever runs this dashboard.")
        st.button("Log out", on_click=st.logout)
    st.stop()
