"""The admin panel at ``/admin``: pages that read through the services, and write through the JSON API."""
