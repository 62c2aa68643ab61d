from sintalk import create_app

app = create_app()
