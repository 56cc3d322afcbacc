"""The application's database: models, migrations, field encryption, and small shared state."""
